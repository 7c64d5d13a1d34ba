"""What the benchmarks that are scripts have in common: figures in the form of support/report.hpp."""
import statistics


def comparison(name, unit, rounds_of):
    """`rounds_of` has the rounds of each contender, the reference first."""
    reference = next(iter(rounds_of))
    contenders = []
    for contender, rounds in rounds_of.items():
        ratios = [own / other for own, other in zip(rounds, rounds_of[reference])]
        contenders.append({"name": contender, "rounds": rounds, "median": statistics.median(rounds), "ratios": ratios,
                           "median_ratio": statistics.median(ratios)})
    return {"name": name, "unit": unit, "reference": reference, "contenders": contenders}


def goal(name, wanted, measured, unit):
    """One of at most so much."""
    return {"name": name, "bound": "at most", "wanted": wanted, "measured": measured, "unit": unit,
            "met": measured <= wanted}
