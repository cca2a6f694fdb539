//! The numbers that the program `tasks` computes step by step, each computed in another way.

/// The product of the numbers 1 to `n`, at most 34: the product of its two halves.
#[must_use]
pub fn factorial(n: u32) -> u128 {
    fn product(first: u32, last: u32) -> u128 {
        match last.checked_sub(first) {
            None => 1,
            Some(0) => first.into(),
            Some(more) => product(first, first + more / 2) * product(first + more / 2 + 1, last),
        }
    }
    product(1, n)
}

/// The Fibonacci number F(n), for `n` of at most 185: F(2k) = F(k) (2 F(k+1) - F(k)) and F(2k+1) = F(k)^2 + F(k+1)^2.
#[must_use]
pub fn fibonacci(n: u32) -> u128 {
    /// F(n) and F(n + 1).
    fn pair(n: u32) -> (u128, u128) {
        if n == 0 {
            return (0, 1);
        }
        let (this, next) = pair(n / 2);
        let (even, odd) = (this * (2 * next - this), this * this + next * next);
        if n.is_multiple_of(2) { (even, odd) } else { (odd, even + odd) }
    }
    pair(n).0
}

/// The number of ways to leave out `n - k` of `n` things, where `n` is at most 120: this many ways lead to `k` things.
#[must_use]
pub fn binomial(n: u32, k: u32) -> u128 {
    let (n, k) = (u128::from(n), u128::from(k));
    (1..=n.saturating_sub(k)).fold(u128::from(k <= n), |ways, i| ways * (k + i) / i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        assert_eq!([0, 1, 2, 5, 10].map(factorial), [1, 1, 2, 120, 3_628_800]);
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 50].map(fibonacci), [0, 1, 1, 2, 3, 5, 8, 13, 12_586_269_025]);
        assert_eq!([(0, 0), (3, 4), (5, 0), (5, 2), (20, 10)].map(|(n, k)| binomial(n, k)), [1, 0, 1, 10, 184_756]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        assert_eq!(factorial(34), 295_232_799_039_604_140_847_618_609_643_520_000_000);
        assert_eq!(fibonacci(185), 205_697_230_343_233_228_174_223_751_303_346_572_685);
        assert_eq!(binomial(120, 60), 96_614_908_840_363_322_603_893_139_521_372_656);
    }
}
