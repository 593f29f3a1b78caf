"""MoEGAN on MS COCO captions: `moegan.py:coco`. Variants: cpu, smoke, s64."""

from moegan_jax.config import load


def get_config(variant: str = ''):
  return load(f'moegan:{variant or ""}')
