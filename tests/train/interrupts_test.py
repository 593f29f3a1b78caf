"""Deferred signals; a second Ctrl-C interrupts at once."""

import signal
import threading

import pytest

from moegan_jax.train import interrupts


@pytest.mark.parametrize('number', interrupts.SIGNALS)
def test_a_signal_is_caught_and_the_handler_restored(number, capfd):
  before = [signal.getsignal(n) for n in interrupts.SIGNALS]
  with interrupts.Interrupts(notice='{}: saving') as stop:
    assert stop.caught is None
    signal.raise_signal(number)
    assert stop.caught == number.name
    signal.raise_signal(signal.SIGTERM)  # a second signal while saving
    assert stop.caught == number.name
  assert [signal.getsignal(n) for n in interrupts.SIGNALS] == before
  assert capfd.readouterr().err == f'\n{number.name}: saving\n'


def test_a_second_ctrl_c_is_a_keyboard_interrupt():
  before = signal.getsignal(signal.SIGINT)
  with pytest.raises(KeyboardInterrupt), interrupts.Interrupts():
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
  assert signal.getsignal(signal.SIGINT) is before


def test_signals_are_not_caught_outside_the_main_thread():
  seen = []

  def work():
    with interrupts.Interrupts() as stop:
      seen.append(stop.caught)

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert seen == [None]
