//! Checks what the course needs on this machine. Each line says ok, or what is wrong and how to mend it.
//!
//! Only chapter 4 needs MPI, its launcher and libclang. The exit status is 1 if something is wrong; a remark is no error.
//!
//! Run:       cargo run --bin doctor

use std::process::ExitCode;

use anyhow::ensure;
use benches::machine;
use course::lesson;

#[derive(clap::Parser)]
struct Args {}

fn main() -> ExitCode {
    lesson::run!(|_: Args, _lesson| {
        let checks = machine::checks();
        for machine::Check { name, found, mend, needed } in &checks {
            match found {
                Ok(found) => println!("{name:14} ok      {found}"),
                Err(wrong) if *needed => println!("{name:14} WRONG   {wrong:#}: {mend}"),
                Err(wrong) => println!("{name:14} remark  {wrong:#}: {mend}"),
            }
        }
        let wrong = checks.iter().filter(|check| check.found.is_err() && check.needed).count();
        ensure!(wrong == 0, "doctor: {wrong} of {} checks failed", checks.len());
        Ok(())
    })
}
