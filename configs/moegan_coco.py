"""MoEGAN on COCO captions."""

from configs import common


def get_config(variant: str = ''):
  return common.finish(common.base(), variant)
