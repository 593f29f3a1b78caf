"""What the variants of a configuration change, and what they leave alone."""

import pytest

from configs import common, papers
from configs.sweeps import moegan_temperature


@pytest.mark.parametrize('variant', ['', 'cpu', 'smoke'])
@pytest.mark.parametrize('system', [papers.moegan, papers.relgan, papers.ccl])
def test_the_temperature_keeps_the_horizon_of_the_paper(system, variant):
  c = common.experiment(system, common.coco, variant)
  assert (c.game.beta, c.game.horizon) == (100.0, 5000)


@pytest.mark.parametrize('variant', ['', 'cpu', 'smoke'])
def test_schedules_that_span_the_run_still_do(variant):
  gsgan = common.experiment(papers.gsgan, common.coco, variant)
  assert gsgan.game.horizon == gsgan.adversarial.steps
  slgan = common.experiment(papers.slgan, common.coco, variant)
  assert slgan.slgan.horizon == slgan.adversarial.steps


@pytest.mark.parametrize(
  'variant, share', [('', 0.4), ('cpu', 0.4), ('small', 0.6)]
)
def test_the_grid_of_temperatures_ends_where_the_paper_does(variant, share):
  base = moegan_temperature.get_sweep(variant)['base']
  assert base.adversarial.steps / base.game.horizon == pytest.approx(share)
