def parse_progression(text):
    raise NotImplementedError


def chord_spans(*a):
    raise NotImplementedError


class Spans:
    pass
