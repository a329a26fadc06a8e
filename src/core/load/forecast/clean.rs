//! Outages taken out of days before they teach anything: an hour of no load is no property of that hour.
//!
//! Only drops are taken out. A spike stays: capacity must hold it, and it may come back; in logarithms, where members are
//! learned, it is the drops that have the leverage. A drop that returns on the same weekday is a habit and stays too.
//! Not here: level shifts. Invariant: no value is lowered.

use super::statistics::median;

/// A drop is at least this deep in logarithms (to 2/5), and at least [`DEVIATIONS`] of the usual deviations of its hour.
const LEAST_DROP: f64 = 0.916_290_731_874_155;
const DEVIATIONS: f64 = 4.0;
/// Turns a median deviation into a standard one of normal errors.
const TO_SIGMA: f64 = 1.4826;
/// Days, or the same weekdays, from which a habit is known.
const LEAST_DAYS: usize = 3;

/// Days of logarithms, oldest first, one row each; the same with drops filled up to what is usual at their hour.
pub(super) fn without_drops(days: &[&[f64]]) -> Vec<Vec<f64>> {
    let mut clean: Vec<Vec<f64>> = days.iter().map(|day| day.to_vec()).collect();
    if days.len() < LEAST_DAYS {
        return clean;
    }
    let middles: Vec<f64> = days.iter().map(|day| median(day)).collect();
    let width = days.first().map_or(0, |day| day.len());
    for slot in 0..width {
        let column: Vec<f64> = days.iter().zip(&middles).map(|(day, middle)| day[slot] - middle).collect();
        let (least, most) =
            column.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
        // Nothing can lie so deep below any median of these, as nearly always.
        if least >= most - LEAST_DROP {
            continue;
        }
        let usual = median(&column);
        let deviations: Vec<f64> = column.iter().map(|value| (value - usual).abs()).collect();
        let drop = (DEVIATIONS * TO_SIGMA * median(&deviations)).max(LEAST_DROP);
        // Nothing lies so deep: the habits of weekdays need no look.
        let deep = |value: &f64| *value < usual - drop;
        let weekdays = days.len().div_ceil(7) > 2;
        if !weekdays && !column.iter().any(deep) {
            continue;
        }
        for weekday in 0..7.min(days.len()) {
            let same: Vec<f64> = column.iter().skip(weekday).step_by(7).copied().collect();
            let usual = if same.len() >= LEAST_DAYS { median(&same) } else { usual };
            for row in (weekday..days.len()).step_by(7).filter(|row| column[*row] < usual - drop) {
                clean[row][slot] = middles[row] + usual - drop;
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_filled_up_and_a_habit_is_not() {
        let day = [0.0, 1.0, 2.0, 1.0, 1.0];
        let mut days = vec![day.to_vec(); 28];
        days[20][2] = -3.0;
        for row in (5..28).step_by(7) {
            days[row][1] = -4.0;
        }
        let clean = without_drops(&days.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert!((clean[20][2] - (2.0 - LEAST_DROP)).abs() < 1e-9, "{}", clean[20][2]);
        assert_eq!((clean[5][1], clean[19][1], clean[3][2]), (-4.0, -4.0, 2.0));
    }

    #[test]
    fn a_spike_stays_and_two_days_say_nothing_of_habits() {
        let mut days = vec![vec![0.0; 4]; 7];
        days[3][1] = 5.0;
        assert_eq!(without_drops(&days.iter().map(Vec::as_slice).collect::<Vec<_>>()), days);
        let two: Vec<&[f64]> = vec![&[0.0, 0.0], &[0.0, -9.0]];
        assert_eq!(without_drops(&two), two);
    }
}
