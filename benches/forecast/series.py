"""Series to forecast: files of the Numenta Anomaly Benchmark, and generated ones. All hourly, without holes."""
import glob
import os

import numpy as np
import pandas as pd

DAYS = 56


def files(folder):
    """Counts are summed to hours, levels (CPU) averaged; the torn hours at both ends are left off."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.csv"))):
        points = pd.read_csv(path, parse_dates=["timestamp"]).set_index("timestamp")["value"]
        hours = points.resample("1h")
        load = hours.mean() if "cpu" in path else hours.sum(min_count=1)
        name = os.path.basename(path)[:-4].removeprefix("nab_")
        found[name] = load.iloc[1:-1].interpolate(limit_direction="both")
    return found


def generated(seed):
    """Days and weeks with correlated noise, and what happens to real groups."""
    draw = np.random.default_rng(seed)
    hour, day = np.arange(DAYS * 24) % 24, np.arange(DAYS * 24) // 24

    def week(swing=0.6, weekend=0.3, noise=0.08, memory=0.7, shown=hour):
        load = 100 * (1 + swing * np.sin((shown - 8) / 24 * 2 * np.pi)) * np.where(day % 7 >= 5, 1 - weekend, 1)
        error = np.zeros(len(load))
        for place in range(1, len(load)):
            error[place] = memory * error[place - 1] + draw.normal() * noise
        return np.maximum(load * np.exp(error), 0)

    found = {"growth": week() * np.exp(np.linspace(0, 1.2, DAYS * 24))}
    found["level shift"] = week() * np.where(day >= 35, 1.8, 1)
    found["holidays"] = week() * np.where(np.isin(day, (30, 31, 44)), 0.45, 1)
    found["clocks change"] = week(shown=(hour + (day >= 40)) % 24)
    batch = week(noise=0.05) + np.where(hour == 2, 250 * draw.lognormal(0, 0.2, DAYS * 24), 0)
    for number in np.flatnonzero(draw.random(DAYS) < 0.25):
        batch[number * 24 + draw.integers(24)] += 200 * draw.lognormal(0, 0.4)
    found["batch spikes"] = batch
    found["noisy"] = week(swing=0.2, weekend=0, noise=0.3)
    found["calm"] = week(swing=0.9, weekend=0.6, noise=0.03)
    found["few requests"] = draw.poisson(week(noise=0) / 20).astype(float)
    outages = week(swing=0.5, noise=0.04)
    for start in draw.integers(5 * 24, DAYS * 24, 6):
        outages[start : start + draw.integers(2, 7)] *= 0.02
    found["outages"] = outages
    wander = np.zeros(DAYS * 24)
    for place in range(1, len(wander)):
        wander[place] = 0.99 * wander[place - 1] + draw.normal() * 0.08
    found["no season"] = 60 * np.exp(wander - wander.mean())
    index = pd.date_range("2026-01-05", periods=DAYS * 24, freq="1h")
    return {f"generated: {name}": pd.Series(load, index=index) for name, load in found.items()}
