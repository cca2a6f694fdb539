//! The axes of plots: their range, their ticks, and where a value stands.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// How distances on an axis grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long
    Linear,
    /// Equal ratios are equally long
    Log,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    scale: Scale,
    /// The places of the ends: on a logarithmic axis, their logarithms.
    range: Range<f64>,
    /// The values with a tick.
    ticks: Vec<f64>,
}

impl Axis {
    /// A logarithmic axis that has room for these positive values.
    #[must_use]
    pub fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let (least, most) = bounds(values.into_iter().filter(|value| *value > 0.0)).unwrap_or((1.0, 10.0));
        let (low, high) = (least.log10() - 0.06, most.log10() + 0.06);
        let decades = (low.ceil() as i32..=high.floor() as i32).map(|power| 10f64.powi(power));
        let mut ticks: Vec<f64> = decades.collect();
        if ticks.len() < 3 {
            let power = |power: i32| [1.0, 2.0, 5.0].map(|step| step * 10f64.powi(power));
            let all = (low.floor() as i32..=high.ceil() as i32).flat_map(power);
            ticks = all.filter(|tick| (low..=high).contains(&tick.log10())).collect();
        }
        while ticks.len() > 6 {
            ticks = ticks.into_iter().step_by(2).collect();
        }
        Self { scale: Scale::Log, range: low..high, ticks }
    }

    /// A linear axis from 0 that has room for these values.
    #[must_use]
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let (_, most) = bounds(values).unwrap_or((0.0, 1.0));
        let high = if most > 0.0 { most * 1.08 } else { 1.0 };
        let power = 10f64.powf((high / 5.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| high / step <= 5.0);
        let step = step.unwrap_or(high);
        let ticks = (0..=5).map(|tick| f64::from(tick) * step).filter(|tick| *tick <= high).collect();
        Self { scale: Scale::Linear, range: 0.0..high, ticks }
    }

    /// An axis without values.
    #[must_use]
    pub fn empty() -> Self {
        Self { scale: Scale::Linear, range: 0.0..1.0, ticks: Vec::new() }
    }

    /// A logarithmic axis if the values differ much, else a linear one.
    #[must_use]
    pub fn fit(values: impl IntoIterator<Item = f64> + Clone) -> Self {
        match bounds(values.clone().into_iter().filter(|value| *value > 0.0)) {
            Some((least, most)) if most / least > 20.0 => Self::log(values),
            _ => Self::linear(values),
        }
    }

    /// The place of a value, within the range.
    fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).log10(),
        };
        place.clamp(self.range.start, self.range.end)
    }

    /// The part of the axis before a value: from 0 to 1.
    #[must_use]
    pub fn part(&self, value: f64) -> f64 {
        (self.place(value) - self.range.start) / (self.range.end - self.range.start)
    }
}

/// The axis as the plotting library needs it.
impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.part(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        match self.scale {
            Scale::Linear => self.range.clone(),
            Scale::Log => 10f64.powf(self.range.start)..10f64.powf(self.range.end),
        }
    }
}

fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite()).map(|value| (value, value));
    finite.reduce(|(low, high), (value, _)| (low.min(value), high.max(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::short;

    fn ticks(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| short(*tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(&Axis::log([1000.0, 16e6])), ["1k", "10k", "100k", "1M", "10M"]);
        assert_eq!(ticks(&Axis::log([50.0, 4000.0])), ["50", "100", "200", "500", "1k", "2k"]);
        assert_eq!(ticks(&Axis::log([2.0, 3.0])), ["2"]);
        assert_eq!(ticks(&Axis::linear([1.9])), ["0", "0.5", "1", "1.5", "2"]);
        assert_eq!(ticks(&Axis::linear([])), ["0", "0.5", "1"]);
        for most in [0.3, 1.0, 7.0, 12.0, 99.0, 101.0, 12345.0] {
            assert!((3..=6).contains(&Axis::linear([most]).ticks.len()), "{most}");
            assert!((2..=6).contains(&Axis::log([most / 50.0, most]).ticks.len()), "{most}");
        }
    }

    #[test]
    fn values_have_places_and_places_values() {
        let axis = Axis::fit([0.01, 2.0]);
        assert_eq!(axis.scale, Scale::Log);
        assert!(axis.part(0.01) > 0.0 && axis.part(0.01) < axis.part(0.5) && axis.part(0.5) < axis.part(2.0));
        assert_eq!((axis.part(1e-9), axis.part(1e9), axis.map(&1e9, (10, 20))), (0.0, 1.0, 20));
        assert!(Ranged::range(&axis).contains(&2.0));
        assert_eq!(Axis::fit([0.9, 2.0]).scale, Scale::Linear);
    }
}
