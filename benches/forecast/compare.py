"""Rolling origins, horizon 24 h: tminus beside statsforecast and Prophet, each given the same four weeks (or the weeks
that there are, at least one)."""
import argparse
import json
import logging
import os
import subprocess
import tempfile
import time
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

from prophet import Prophet
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoETS, AutoTheta, SeasonalNaive

import series

DAY, WINDOW = 24, 28 * 24
# A day whose maximum is less than this part of the usual one: nothing ran, and bound over peak means nothing.
DEAD = 0.01
OURS = "tminus"
PEERS = ["SeasonalNaive", "AutoETS", "AutoTheta", "MSTL", "Prophet"]


def origins(load, most):
    # At midnight, so that the next 24 hours are one day, whose peak is one.
    start = (WINDOW if len(load) > WINDOW + 8 * DAY else 7 * DAY) + -load.index[0].hour % DAY
    found = list(range(start, len(load) - DAY + 1, DAY))
    return found[:: -(-len(found) // most)]


def peers(history):
    frame = pd.DataFrame({"unique_id": "a", "ds": history.index, "y": history.values})
    seasons = [24, 168] if len(history) >= 336 else [24]
    models = {
        "SeasonalNaive": SeasonalNaive(24),
        "AutoETS": AutoETS(season_length=24),
        "AutoTheta": AutoTheta(season_length=24),
        "MSTL": MSTL(season_length=seasons, trend_forecaster=AutoETS(model="ZZN")),
    }
    for name, model in models.items():
        found = StatsForecast(models=[model], freq="h").forecast(df=frame, h=DAY, level=[90])
        middle = next(c for c in found.columns if c not in ("unique_id", "ds") and "-" not in c)
        yield name, found[middle].values, found[f"{middle}-hi-90"].values
    prophet = Prophet(interval_width=0.9, daily_seasonality=True, weekly_seasonality=len(history) >= 336)
    prophet.fit(frame[["ds", "y"]])
    found = prophet.predict(prophet.make_future_dataframe(DAY, freq="h")).iloc[-DAY:]
    yield "Prophet", found.yhat.values, found.yhat_upper.values


def ours(history, folder):
    path = os.path.join(folder, "history.csv")
    history.rename_axis("timestamp").rename("value").to_csv(path, date_format="%Y-%m-%d %H:%M:%S")
    command = [os.environ["TMINUS"], "forecast", "--history", path, "--horizon", "24h", "--step", "1h", "-o", "json"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    middle, bound = (np.array([point[key] for point in answer["points"]]) for key in ("p50", "p95"))
    (peak,) = answer["peaks"]
    return middle, bound, peak["p95"]


def pinball(actual, bound, quantile=0.95):
    return np.mean(np.maximum(quantile * (actual - bound), (quantile - 1) * (actual - bound)))


def scores(name, load, most, folder):
    values, spent = load.values, 0.0
    for origin in origins(load, most):
        history, actual = load.iloc[max(0, origin - WINDOW) : origin], values[origin : origin + DAY]
        scale = np.mean(np.abs(history.values[DAY:] - history.values[:-DAY]))
        usual = np.median([history.values[end - DAY : end].max() for end in range(len(history), DAY - 1, -DAY)])
        began = time.monotonic()
        found = [(OURS, *ours(history, folder))]
        spent += time.monotonic() - began
        found += [(model, middle, bound, bound.max()) for model, middle, bound in peers(history)]
        for model, middle, bound, peak in found:
            yield dict(series=name, model=model, mase=np.mean(np.abs(actual - middle)) / scale, pinball=pinball(actual, bound) / scale,
                       hours=np.mean(actual <= bound), days=actual.max() <= peak, maximum=actual.max(), peak=peak,
                       dead=actual.max() < DEAD * usual)
    print(f"{name}: {spent / len(origins(load, most)) * 1000:.0f} ms a forecast of ours", flush=True)


def scaled(rows, coverage):
    """The factor that makes a peer's peaks cover so much of the days, and what they then provision."""
    need = (rows.maximum / rows.peak.clip(lower=1e-9)).sort_values()
    factor = max(1.0, need.iloc[min(len(need) - 1, int(np.ceil(coverage * len(need))) - 1)])
    return factor, factor * provisioned(rows), factor * provisioned(rows[~rows.dead])


def provisioned(rows):
    """Mean of peak bound over actual peak."""
    return np.mean(rows.peak / rows.maximum.clip(lower=1e-9))


def report(rows):
    lines = ["| series | MASE | best peer | pinball p95 | best peer | hours held | days held | provisioned |", "|---|---|---|---|---|---|---|---|"]
    rows = rows.assign(ratio=(rows.peak / rows.maximum.clip(lower=1e-9)).where(~rows.dead))
    means = rows.groupby(["series", "model"])[["mase", "pinball", "hours", "days", "ratio"]].mean()
    best = lambda table, key: f"{table[key].min():.3f} ({table[key].idxmin()})"
    for name in rows.series.unique():
        own, other = means.loc[(name, OURS)], means.loc[name].loc[PEERS]
        lines.append(f"| {name} | {own.mase:.3f} | {best(other, 'mase')} | {own.pinball:.3f} | {best(other, 'pinball')} | "
                     f"{own.hours:.3f} | {own.days:.3f} | {own.ratio:.2f} |")
    overall = means.groupby("model").mean()
    own, other = overall.loc[OURS], overall.loc[PEERS]
    pooled = rows[rows.model == OURS]
    lines.append(f"| **mean** | **{own.mase:.3f}** | {best(other, 'mase')} | **{own.pinball:.4f}** | {best(other, 'pinball')} | "
                 f"{own.hours:.3f} | **{pooled.days.mean():.3f}** | **{pooled.ratio.mean():.2f}** |")
    lines += ["", f"{len(pooled)} days. Against the best single peer: MASE {own.mase / other.mase.min() - 1:+.1%}, pinball p95 "
              f"{own.pinball / other.pinball.min() - 1:+.1%}. Days held and provisioned are over all days together, the latter "
              f"without {pooled.dead.sum()} dead days (a maximum below {DEAD:.0%} of the usual one), of which one alone is most of such a mean: "
              f"with them it is {provisioned(pooled):.2f}.", "",
              "| peer | MASE | pinball p95 | days held | factor to hold 95 % | provisioned then | with dead days | factor to hold as many as tminus | provisioned then | with dead days |",
              "|---|---|---|---|---|---|---|---|---|---|"]
    for peer in PEERS:
        its = rows[rows.model == peer]
        (factor, every, cost), (same, same_every, same_cost) = scaled(its, 0.95), scaled(its, max(0.95, pooled.days.mean()))
        lines.append(f"| {peer} | {overall.loc[peer].mase:.3f} | {overall.loc[peer].pinball:.4f} | {its.days.mean():.3f} | {factor:.2f} | {cost:.2f} | {every:.2f} | {same:.2f} | {same_cost:.2f} | {same_every:.2f} |")
    return "\n".join(lines)


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--nab", default=os.environ.get("NAB"))
    asked.add_argument("--seed", type=int, default=11)
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--origins", type=int, default=14, help="at most so many of a generated series; of files four times as many")
    asked = asked.parse_args()
    loads = [(name, load, 4 * asked.origins) for name, load in (series.files(asked.nab) if asked.nab else {}).items()]
    loads += [(name, load, asked.origins) for name, load in series.generated(asked.seed).items()]
    with tempfile.TemporaryDirectory() as folder:
        rows = pd.DataFrame([row for name, load, most in loads for row in scores(name, load, most, folder)])
    table = report(rows)
    print(table)
    if asked.write:
        place, begin, end = "docs/BENCHMARKS.md", "<!-- forecast: begin -->\n", "<!-- forecast: end -->"
        text = open(place).read()
        before, after = text.split(begin)[0], text.split(end)[1]
        open(place, "w").write(f"{before}{begin}{table}\n{end}{after}")


main()
