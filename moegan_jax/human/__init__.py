"""Human evaluation: sheets for raters, and the scores that they give.

The study is that of Table 4 of the MoEGAN paper: 100 sentences per system, 10
raters, scores from 1 to 5, and one point less for a sentence shorter than 10
words. Where the paper leaves a detail open, this package decides as follows.

* Lines are drawn at random without replacement. A sentence that the generator
  repeats can be drawn repeatedly, since the study rates what the generator
  writes and not its distinct sentences. Blank lines cannot be rated; they are
  left out and counted.
* Raters score the sentences as they read them. `score` subtracts the point for
  length from the mean over raters, without a floor, so a short sentence can
  score 0. Words are separated by white space in the given text: the full stop
  in 'a man rides .' counts as a word, as in published sample files.
* Case and blanks are kept. Raters can tell 'camera .' from 'camera.', and the
  second has one word less, so real text must be tokenised like the samples.
* Standard deviations are over the sentences' means over raters (ddof = 1). The
  paper does not define its ±.
* A sentence that starts with = + - @ is written with an apostrophe before it,
  since a spreadsheet would treat it as a formula. The key has no apostrophe.
"""
