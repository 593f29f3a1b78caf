"""How figures look, and how they become PNG files and inline SVG.

Matplotlib's object-oriented interface only: no window, no global figure. Text
in SVG stays text and takes the page's font, and every colour becomes a CSS
variable, so that a figure follows the page into its dark theme.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from matplotlib.figure import Figure

# Okabe and Ito (2008), which the colour-blind tell apart, without its yellow
# and its black, which a page of either theme would swallow.
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
  """Matplotlib's settings, for drawing as well as for saving."""
  import matplotlib

  settings = {
    'font.family': 'DejaVu Sans',  # wider than the page's font: nothing clips
    'font.size': SMALL,
    'axes.titlesize': LARGE,
    'axes.labelsize': SMALL,
    'axes.titlelocation': 'left',
    'axes.edgecolor': MUTED,
    'axes.facecolor': 'none',
    'axes.labelcolor': MUTED,
    'axes.linewidth': 0.7,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.axisbelow': True,
    'axes.prop_cycle': matplotlib.cycler(color=COLOURS),
    'figure.facecolor': 'none',
    'grid.color': RULE,
    'grid.linewidth': 0.7,
    'legend.frameon': False,
    'legend.fontsize': SMALL,
    'legend.labelcolor': INK,
    'lines.linewidth': 1.4,
    'lines.markersize': 3.5,
    'text.color': INK,
    'text.parse_math': False,  # a run may be called $HOME
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.labelsize': SMALL,
    'ytick.labelsize': SMALL,
    'xtick.major.size': 3,
    'ytick.major.size': 0,
    'svg.fonttype': 'none',
    'svg.hashsalt': 'moegan_jax',  # the same figure gives the same bytes
  }
  with matplotlib.rc_context(settings):
    yield


def png(figure: 'Figure') -> bytes:
  """The figure on white, 150 dots an inch."""
  out = io.BytesIO()
  with style():
    figure.savefig(out, format='png', dpi=150, facecolor='white')
  return out.getvalue()


def svg(figure: 'Figure', name: str) -> str:
  """The figure as an element for a page; transparent, colours as variables.

  Args:
    figure: of this module.
    name: unique on the page; all ids begin with it.
  """
  out = io.StringIO()
  with style():
    figure.savefig(out, format='svg', dpi=200, metadata={'Date': None})
  text = out.getvalue()
  text = text[text.index('<svg') :]
  text = re.sub(r'<metadata>.*?</metadata>\s*', '', text, flags=re.S)
  # It would style the whole page.
  text = re.sub(r'<style.*?</style>', '', text, flags=re.S)
  text = re.sub(r' xmlns(:\w+)?="[^"]*"', '', text)
  text = text.replace('xlink:href', 'href')
  text = re.sub(r'font-family: [^;\"]*;? ?', '', text)
  text = re.sub(r'font: ([\d.]+px)[^;\"]*', r'font-size: \1', text)
  text = re.sub(r'\bid="', f'id="{name}-', text)
  text = re.sub(r'href="#', f'href="#{name}-', text)
  text = text.replace('url(#', f'url(#{name}-')
  # viewBox keeps the shape; the page may make it smaller than it is in full.
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
