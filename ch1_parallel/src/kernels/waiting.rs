//! `waiting`: requests that mostly wait, as for the answers of a server. A request needs a worker for its whole time, but the
//! processor only for a moment, so more workers than cores pay. What decides is the price of a worker that waits: a thread, or a
//! task of an event loop.

use std::time::Duration;

use course::lanes;

use super::{Measured, Problem, laps};

/// Sums over the answers of an iteration. A lost, a repeated or a wrong answer changes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// How many there are.
    pub count: u64,
    /// Their sum, modulo 2^64.
    pub sum: u64,
}

impl Answers {
    /// Adds the answer to a request.
    pub fn add(&mut self, answer: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(answer);
    }

    /// Adds the answers that another worker got.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum.wrapping_add(other.sum) }
    }
}

/// The answer to a request: the square of its number, modulo 2^64.
#[must_use]
pub fn answer(request: usize) -> u64 {
    (request as u64).wrapping_mul(request as u64)
}

/// How long a request waits for its answer.
#[must_use]
pub fn delay(problem: &Problem) -> Duration {
    Duration::from_micros(problem.wait.into())
}

/// Makes a request and blocks the thread until the answer is there. A sleep stands for the server.
#[must_use]
pub fn request(request: usize, delay: Duration) -> u64 {
    lanes::sleep("request", delay);
    answer(request)
}

/// Says why the answers of the iterations are wrong, or `None` if they are right.
#[must_use]
pub fn check(problem: &Problem, iterations: &[Answers]) -> Option<String> {
    let mut right = Answers::default();
    (0..problem.size).for_each(|request| right.add(answer(request)));
    let wrong = iterations.iter().find(|&&answers| answers != right);
    match wrong {
        Some(Answers { count, sum }) => {
            Some(format!("{count} answers with the sum {sum}, not {} with {}", right.count, right.sum))
        }
        None if iterations.len() != problem.iterations + 1 => {
            Some(format!("answers of {} iterations, not {}", iterations.len(), problem.iterations + 1))
        }
        None => None,
    }
}

/// Times `iterate`, which makes all requests and returns the sums over their answers, and checks them.
pub fn solve(problem: &Problem, mut iterate: impl FnMut() -> Answers) -> Measured {
    let mut iterations = Vec::with_capacity(problem.iterations + 1);
    let seconds = laps(problem.iterations, || iterations.push(iterate()));
    Measured { seconds, wrong: check(problem, &iterations) }
}

/// One request after the other.
#[must_use]
pub fn serial(problem: &Problem) -> Measured {
    solve(problem, || {
        let mut answers = Answers::default();
        (0..problem.size).for_each(|number| answers.add(request(number, delay(problem))));
        answers
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: Problem = Problem { size: 5, iterations: 2, wait: 10, ..Problem::DEFAULT };

    #[test]
    fn one_request_after_the_other() {
        let measured = serial(&PROBLEM);
        assert_eq!(measured.wrong, None);
        let least = 5.0 * delay(&PROBLEM).as_secs_f64();
        assert!(measured.seconds.iter().all(|&seconds| seconds >= least), "{measured:?}");
    }

    #[test]
    fn the_check_finds_lost_repeated_and_wrong_answers() {
        let sums = |requests: &[usize]| {
            let mut answers = Answers::default();
            requests.iter().for_each(|&number| answers.add(answer(number)));
            answers
        };
        let right = sums(&[4, 0, 2, 1, 3]);
        assert_eq!(check(&PROBLEM, &[right; 3]), None);
        for wrong in [sums(&[0, 1, 2, 3]), sums(&[0, 1, 2, 3, 3]), sums(&[0, 1, 2, 3, 4, 0]), sums(&[0, 1, 2, 3, 5])] {
            assert!(check(&PROBLEM, &[right, right, wrong]).is_some(), "{wrong:?}");
        }
        assert!(check(&PROBLEM, &[right; 2]).is_some());
        let half = sums(&[0, 4]);
        assert_eq!(half.with(sums(&[1, 2, 3])), right);
    }
}
