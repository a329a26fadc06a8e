//! Functions on real numbers with the same bits on every host (I12).
//!
//! The standard library hands `ln`, `exp` and their kin to the host's own C library, which may differ in the last place;
//! one such bit makes a replayed decision another one. Here they come from `libm`, which is compiled in. What IEEE 754
//! rounds exactly (`+ - * /`, `sqrt`, `floor`, `round`) needs no place here. A test refuses the others in the core.

/// Natural logarithm.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// e^x.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// ln(1 + x), exact near zero.
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// e^x - 1, exact near zero.
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// The square root of x^2 + y^2.
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

/// Numerator and denominator of a rational approximation, the constant first.
struct Ratio {
    over: [f64; 8],
    under: [f64; 8],
}

impl Ratio {
    fn at(&self, x: f64) -> f64 {
        let polynomial = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
        polynomial(&self.over) / polynomial(&self.under)
    }
}

/// Within 0.425 of the median.
const MIDDLE: Ratio = Ratio {
    over: [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    under: [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
};

/// Further out, down to a tail of e^-25.
const SIDES: Ratio = Ratio {
    over: [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    under: [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
};

/// The standard normal quantile of a probability between 2e-11 and 1 - 2e-11; `None` beyond, where nobody asks.
/// Algorithm AS 241 (PPND16), M. J. Wichura, Applied Statistics 37 (1988), 477-484: about 16 figures.
pub fn normal_quantile(probability: f64) -> Option<f64> {
    let from_median = probability - 0.5;
    if from_median.abs() <= 0.425 {
        return Some(from_median * MIDDLE.at(0.180_625 - from_median * from_median));
    }
    let tail = probability.min(1.0 - probability);
    // Not a number, and no probability, fail this too.
    if !(2e-11..0.5).contains(&tail) {
        return None;
    }
    let z = SIDES.at((-ln(tail)).sqrt() - 1.6);
    Some(if from_median < 0.0 { -z } else { z })
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    /// A host, or a version of libm, that gives other bits shows here before it shows in a replay.
    #[test]
    fn the_bits_are_the_known_ones() {
        let found = [ln(0.1), ln(3.7), exp(-1.3), exp(20.5), ln_1p(1e-7), exp_m1(-0.3), hypot(0.35, 0.4)];
        let known = [
            -2.302_585_092_994_045_5,
            1.308_332_819_650_179,
            0.272_531_793_034_012_6,
            799_902_177.475_505_4,
            9.999_999_500_000_033e-8,
            -0.259_181_779_318_282_1,
            0.531_507_290_636_732_4,
        ];
        assert_eq!(found.map(f64::to_bits), known.map(f64::to_bits), "{found:?}");
    }

    #[test]
    fn quantiles_agree_with_a_second_library() {
        let other = Normal::standard();
        for thousandth in 1..1_000 {
            let probability = f64::from(thousandth) / 1_000.0;
            let (z, expected) = (normal_quantile(probability).unwrap(), other.inverse_cdf(probability));
            assert!((z - expected).abs() < 1e-9, "{probability}: {z} is not {expected}");
        }
        // The published check values of the algorithm.
        for (probability, expected) in [(0.25, -0.674_489_750_196_081_7), (0.001, -3.090_232_306_167_814)] {
            assert!((normal_quantile(probability).unwrap() - expected).abs() < 1e-14, "{probability}");
        }
    }

    #[test]
    fn what_is_no_probability_has_no_quantile() {
        for wrong in [0.0, 1.0, -0.1, 1.1, f64::NAN, f64::INFINITY, 1e-12] {
            assert_eq!(normal_quantile(wrong), None, "{wrong}");
        }
    }
}
