"""What all pictures have in common."""

DOTS_PER_INCH = 130

# Colours that colour-blind people tell apart: M. Okabe and K. Ito, "Color universal design" (2008),
# without the yellow, which fades on white; then P. Tol's "muted" scheme (2021) for further parts.
PART_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00",
    "#332288", "#882255", "#117733", "#999933", "#CC6677", "#44AA99",
)  # fmt: skip
INK, GREY, PALE, FAINT, BLACK_KEY = "#22262B", "#6B727B", "#B9BFC7", "#E3E6EA", "#F3F4F6"
