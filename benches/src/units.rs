//! Numbers and times as text.

/// A number in few signs: `1.5k`, `16M`.
#[must_use]
pub fn short(number: f64) -> String {
    let (factor, unit) = match number.abs() {
        n if n >= 0.9995e9 => (1e9, "G"),
        n if n >= 0.9995e6 => (1e6, "M"),
        n if n >= 999.5 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let number = number / factor;
    let decimals = match number.abs() {
        n if n >= 99.5 || n == 0.0 => 0,
        n if n >= 9.95 => 1,
        n if n >= 0.095 => 2,
        n if n >= 0.0095 => 3,
        _ => 4,
    };
    let digits = format!("{number:.decimals$}");
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits}{unit}")
}

/// A time with three digits: `1.25 µs`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let (factor, unit) = match seconds {
        s if s >= 0.9995 => (1.0, "s"),
        s if s >= 0.9995e-3 => (1e3, "ms"),
        s if s >= 0.9995e-6 => (1e6, "µs"),
        _ => (1e9, "ns"),
    };
    format!("{} {unit}", short(seconds * factor))
}

/// A whole number with commas between thousands.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.0123, 0.5, 1.94, 12.0, 99.97, 1000.0, 1536.0, 999_999.0, 16e6].map(short);
        assert_eq!(all, ["0", "0.012", "0.5", "1.94", "12", "100", "1k", "1.54k", "1M", "16M"]);
        let times = [0.0, 1.8e-8, 999.7e-9, 2.345e-6, 0.0015, 1.0, 12.0].map(duration);
        assert_eq!(times, ["0 ns", "18 ns", "1 µs", "2.35 µs", "1.5 ms", "1 s", "12 s"]);
    }

    #[test]
    fn sizes_have_commas() {
        assert_eq!([0, 999, 1000, 16_000_000].map(grouped), ["0", "999", "1,000", "16,000,000"]);
    }
}
