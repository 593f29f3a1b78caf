"""Matplotlib style of all figures, and their export as PNG and inline SVG.

Figures use Matplotlib's object-oriented interface, without pyplot. SVG keeps
text as text, so that it takes the font of the page. Colours become CSS
variables, so that figures follow the dark theme of the page.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
  from matplotlib.figure import Figure

# Palette of Okabe and Ito (2008), safe for colour-blind readers. Its yellow and
# black are left out, since they are invisible on one of the page's two themes.
COLOURS = (
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#8c6d31',
)
INK, MUTED, RULE = '#1b1f24', '#6a727c', '#dfe3e8'
SMALL, LARGE = 8, 9.5  # points


@contextlib.contextmanager
def style() -> Iterator[None]:
  """Sets Matplotlib's parameters; needed for drawing and for saving."""
  import matplotlib
  from matplotlib import rcsetup

  # The type of the keys differs between versions of Matplotlib.
  settings: Any = {
    'font.family': 'DejaVu Sans',  # wider than the page's font
    'font.size': SMALL,
    'axes.titlesize': LARGE,
    'axes.labelsize': SMALL,
    'axes.titlelocation': 'left',
    'axes.formatter.useoffset': False,
    'axes.edgecolor': MUTED,
    'axes.facecolor': 'none',
    'axes.labelcolor': MUTED,
    'axes.linewidth': 0.7,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.axisbelow': True,
    'axes.prop_cycle': rcsetup.cycler(color=COLOURS),
    'figure.facecolor': 'none',
    'grid.color': RULE,
    'grid.linewidth': 0.7,
    'legend.frameon': False,
    'legend.fontsize': SMALL,
    'legend.labelcolor': INK,
    'lines.linewidth': 1.4,
    'lines.markersize': 3.5,
    'text.color': INK,
    'text.parse_math': False,  # names of runs may contain $
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.labelsize': SMALL,
    'ytick.labelsize': SMALL,
    'xtick.major.size': 3,
    'ytick.major.size': 0,
    'svg.fonttype': 'none',
    'svg.hashsalt': 'moegan_jax',  # makes ids, and so files, reproducible
  }
  with matplotlib.rc_context(settings):
    yield


def _save(figure: 'Figure', out: IO, **options) -> None:
  """Saves a figure, whose layout is computed once for all its files."""
  with style():
    figure.savefig(out, **options)
  figure.set_layout_engine('none')


def png(figure: 'Figure') -> bytes:
  """Returns a figure as PNG bytes: white background, 150 dots per inch."""
  out = io.BytesIO()
  _save(figure, out, format='png', dpi=150, facecolor='white')
  return out.getvalue()


def svg(figure: 'Figure', name: str) -> str:
  """Returns a figure as an SVG element for an HTML page.

  The background is transparent, and colours are CSS variables of the page.

  Args:
    figure: drawn within `style`.
    name: prefix of all ids; must be unique on the page.
  """
  out = io.StringIO()
  _save(figure, out, format='svg', dpi=200, metadata={'Date': None})
  text = out.getvalue()
  text = text[text.index('<svg') :]
  text = re.sub(r'<metadata>.*?</metadata>\s*', '', text, flags=re.S)
  # A <style> element inside of the SVG applies to the whole page.
  text = re.sub(r'<style.*?</style>', '', text, flags=re.S)
  text = re.sub(r' xmlns(:\w+)?="[^"]*"', '', text)
  text = text.replace('xlink:href', 'href')
  text = re.sub(r'font-family: [^;\"]*;? ?', '', text)
  text = re.sub(r'font: ([\d.]+px)[^;\"]*', r'font-size: \1', text)
  text = re.sub(r'\bid="', f'id="{name}-', text)
  text = re.sub(r'href="#', f'href="#{name}-', text)
  text = text.replace('url(#', f'url(#{name}-')
  # The viewBox keeps the aspect ratio when the page scales the figure down.
  full = f'--full: {figure.get_figwidth() * 100:.0f}px'
  text = re.sub(
    r'<svg width="[^"]*" height="[^"]*"',
    f'<svg role="img" style="{full}"',
    text,
  )
  variables = {INK: 'ink', MUTED: 'muted', RULE: 'rule'}
  variables |= {c: f'c{i}' for i, c in enumerate(COLOURS)}
  for colour, variable in variables.items():
    text = text.replace(colour, f'var(--{variable})')
  return text
