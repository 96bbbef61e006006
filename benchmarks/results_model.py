"""Sections of `RESULTS.md`: how good the model is, and what it composes."""

from collections.abc import Iterator

from benchmarks.results_table import Facts, table
from benchmarks.rivals.contenders import contenders_of

SPLITS = ("train", "valid", "test")

# Nats a cell of others, as they or others published them; see the words below the table.
PUBLISHED = (
    ("Coconet, chronological (Huang et al. 2017)", "test", 0.436),
    ("Transformer (Huang et al. 2018)", "validation", 0.417),
    ("TonicNet (Peracha 2019), its chord tokens counted", "test", 0.396),
    (
        "Music Transformer, relative attention, time and pitch (Huang et al. 2018)",
        "validation",
        0.335,
    ),
)


def jsb(found: Facts) -> Iterator[str]:
    """Likelihood of the JSB chorales."""
    test, valid = found["test"], found["valid"]
    yield from ["## The JSB chorales: likelihood", ""]
    yield (
        f"`trained/jsb`, one model, one pass: **{test['nats_per_token']:.4f} nats a cell on the "
        f"test split** ({test['pieces']} pieces, {test['tokens']:,} cells; mean over pieces "
        f"{test['mean_over_pieces']:.4f}; {test['nats_per_step']:.3f} a time step), "
        f"{valid['nats_per_token']:.4f} on the valid split, by which it was chosen. Standard "
        "split, sixteenths, all conditions unspecified, nothing transposed, every field of every "
        "row and END counted. "
        f"{test['overlap_with_training']['anywhere']} of the test pieces share 20 soprano "
        "intervals with a training piece."
    )
    yield ""
    rows = [[name, split, nats] for name, split, nats in PUBLISHED]
    rows.append(["**ours**", "validation", valid["nats_per_token"]])
    rows.append(["**ours**", "test", test["nats_per_token"]])
    yield from table(["model", "split", "nats a cell"], rows)
    yield ""
    yield (
        "Coconet's figure is quoted from the Music Transformer paper. TonicNet publishes 0.220, "
        "given the true current chord, which the cells determine; 0.396 is the loss of its "
        "published checkpoint, 0.317 a token, over five tokens for four cells."
    )
    fields = test["nats_by_field"]
    yield ""
    yield "By field, test: " + ", ".join(f"{name} {nats:.4f}" for name, nats in fields.items())


def jsb_short(found: Facts) -> Iterator[str]:
    """What chance and each part are worth."""
    yield from ["## The JSB chorales: chance, and what each part is worth", ""]
    seeds = ", ".join(f"{nats:.4f}" for nats in found["seeds"])
    yield (
        f"Runs of {found['steps']} steps, a quarter of the whole; valid split. Five seeds: "
        f"{seeds}; mean {found['mean']:.4f}, standard deviation {found['deviation']:.4f}, "
        f"{found['deviation_share']:.2%} of the mean. A worth below that is none."
    )
    yield ""
    rows = [[name, f"{of['nats']:.4f}", f"{of['worth']:+.4f}"] for name, of in _by_worth(found)]
    yield from table(["without", "nats a cell", "worse by"], rows)
    yield ""
    yield (
        "*all*: everything that is named here, noise among it. *recall*: what followed when the "
        "past was last like now; *others*: how the other parts stand to the part; *histograms*: of "
        "what pitch classes the past was made; *intervals*: pitches chosen as steps from the "
        "part's last, as all of the context speaks of them; *motions, sonorities*: which motion of "
        "counterpoint and which chord a pitch would make; *noise*: wrong notes in what is "
        "remembered. They pay in the whole training: without them (`jsb.py --train X --set "
        "noise=0`) an earlier version came to 0.3359 instead of 0.3285. Seeds change the initial "
        "weights and the order and keys of the pieces."
    )


def _by_worth(found: Facts) -> list[tuple[str, Facts]]:
    return sorted(found["without"].items(), key=lambda item: -item[1]["worth"])


def samples(found: Facts) -> Iterator[str]:
    """What is composed, beside Bach."""
    pieces, rules = found["pieces"], found["rules"]
    yield from ["## The JSB chorales: what it composes", ""]
    shares = found["shares"]
    yield (
        f"{pieces['samples']} pieces of `trained/jsb`, sampled as the bundle says, beside the "
        f"{pieces['reference']} of the {found['split']} split; control: {pieces['training']} "
        "training pieces. Overlap of the distances within and between sets (Yang and Lerch 2018), "
        f"as a share of the control's: mean {shares['mean_capped']:.3f}, least "
        f"{shares['least']:.3f}."
    )
    yield ""
    rows = [
        [
            name.replace("_", " "),
            *(f"{of['mean'][who]:.3f}" for who in ("samples", "training", "reference")),
            f"{min(1.0, of['share']):.3f}",
        ]
        for name, of in found["features"].items()
    ]
    yield from table(["feature, mean", "samples", "training", found["split"], "share"], rows)
    yield ""
    rows = [
        [
            of["words"],
            *(_with_interval(of[who]) for who in ("samples", "reference", "ratio")),
        ]
        for of in rules.values()
    ]
    yield from table(["rule, 95% interval", "samples", found["split"], "ratio"], rows)
    yield ""
    copies = found["copies"]
    faults = ", ".join(f"{name} {of['samples']}" for name, of in found["faults"].items())
    yield (
        f"Longest run shared with a training piece, in notes: median "
        f"{copies['samples']['median']:g}, 95% up to {copies['samples']['p95']}; Bach's own "
        f"{copies['reference']['median']:g} and {copies['reference']['p95']}. Faults: {faults}. "
        "Targets: " + ", ".join(f"{name} {said}" for name, said in found["targets"].items()) + "."
    )


def _with_interval(rate: Facts) -> str:
    low, high = rate["interval"]

    def number(value: float | None) -> str:
        return "∞" if value is None else f"{value:.2f}"

    return f"{number(rate['rate'])} ({number(low)} to {number(high)})"


def control(found: Facts) -> Iterator[str]:
    """Music around what is given, and chords that are asked for."""
    yield from ["## The composer's controls", ""]
    harmony, infill, chords = (found[name] for name in ("harmony", "infill", "chords"))
    yield (
        f"`trained/{found['model']}`, {found['split']} split, {harmony['particles']} particles. "
        f"**{harmony['pieces']} sopranos harmonised**, beside plain forcing (one particle) and "
        f"Bach's own lower voices; {harmony['melody_untouched']} melodies are as they were."
    )
    yield ""
    whose = ("ours", "forced", "bach")
    rows = [
        [
            of["words"],
            _with_interval(of["samples"]),
            _with_interval(harmony["rules"]["forced"][name]["samples"]),
            _with_interval(of["reference"]),
        ]
        for name, of in harmony["rules"]["ours"].items()
    ]
    rows += [
        [
            name.replace("_", " "),
            *(harmony["means"][who][name] for who in whose),
        ]
        for name in harmony["means"]["bach"]
    ]
    rows.append(["rules broken in all", *(harmony["breaks"][who] for who in whose)])
    yield from table(["rule, 95% interval", "ours", "forced", "Bach"], rows)
    nats = infill["nats_per_note_after"]
    yield ""
    yield (
        f"64 quarters take {harmony['seconds_for_64_beats']} s; on average "
        f"{harmony['effective_particles']} particles count."
    )
    yield ""
    yield (
        f"**Four bars in the middle of {infill['pieces']} songs of POP909 written anew**: the "
        f"next four cost {nats['ours']:.2f} nats a note, after forcing {nats['forced']:.2f}, "
        f"in the song itself {nats['given']:.2f} (a model of chorales finds pop strange); "
        f"ours are better by {infill['ours_better_by']:.3f}, standard error "
        f"{infill['standard_error']:.3f}, in {infill['ours_better_in']} songs. Gaps at the seams: "
        f"{infill['gaps']['ours']}, doubled notes: {infill['doubled_notes']['ours']} (in the songs "
        f"{infill['doubled_notes']['given']}); in {infill['outside_untouched']} nothing else has "
        "changed."
    )
    share = chords["share_on_chords"]
    yield ""
    yield (
        f"**Chords**: with `chords=` {share['wished']:.1%} of the sounding time of "
        f"{chords['pieces']} pieces lies on the chords asked for, without it, in the same keys, "
        f"{share['alone']:.1%}."
    )


def likelihood(found: Facts) -> Iterator[str]:
    """Ours beside rivals on other music."""
    yield from ["## Other music: likelihood beside rivals", ""]
    yield (
        "Nats a note, all fields, same events and splits; *minutes*: on two cores, as they were "
        "used of 30 for each; what is counted takes as long as it takes. Of a piece the style is "
        "known where the corpus has any, and the meter, but to *hmm*. *gpt_context* reads our "
        "musical context, without what our output layers make of it. Recurrent rivals have layers "
        "as wide as ours, Transformers as many weights. *train* is some of the pieces learned from."
    )
    for corpus, of in found.items():
        contenders = of["contenders"]
        rows = [
            [
                name,
                f"{one['parameters']:,}",
                one["minutes"] or "",
                f"{one['steps']:,}" if one["steps"] else "",
                *(_three(one["nats_per_note"].get(split)) for split in SPLITS),
            ]
            for name, one in sorted(
                contenders.items(), key=lambda item: item[1]["nats_per_note"]["valid"]
            )
        ]
        yield ""
        yield f"**{corpus}**, {of['pieces']['train']['pieces']} pieces to learn from"
        yield ""
        yield from table(["", "weights", "minutes", "steps", *SPLITS], rows)
        to_come = [name for name in contenders_of(corpus) if name not in contenders]
        if to_come:
            yield ""
            yield f"Still to be run: {', '.join(to_come)}."


def _three(nats: float | None) -> str:
    return "" if nats is None else f"{nats:.3f}"
