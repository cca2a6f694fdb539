//! Removes what launchers print about ranks that failed: the rank itself has printed the reason, in one line.

use std::mem::take;

/// The most lines of a launcher's banner. A longer text comes from the program.
const LONGEST: usize = 40;

/// Takes the lines of a job and returns those that the launcher did not print.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// An empty line that is held back, since it may belong to a banner.
    empty: Vec<u8>,
    /// A rule after it that is held back until the next line shows whether it begins a banner.
    rule: Option<(Frame, Vec<u8>)>,
    /// The banner that is being removed.
    banner: Option<Banner>,
    /// The last banner in one sentence.
    pub gist: Option<String>,
    /// Whether a line gave the reason why the run failed.
    pub error: bool,
}

#[derive(Debug)]
struct Banner {
    frame: Frame,
    lines: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    /// Open MPI: a rule of dashes before and after the text.
    Dashes,
    /// MPICH: an empty line and a rule of equals signs before the text, a hint at its end.
    Equals,
}

impl Filter {
    /// Takes the next line and returns what to print. Lines keep their line breaks.
    pub(crate) fn line(&mut self, line: &[u8]) -> Vec<u8> {
        // Open MPI 5 sends a zero byte before the output of a rank that aborts.
        let line = &line[line.iter().take_while(|&&byte| byte == 0).count()..];
        let text = String::from_utf8_lossy(line);
        let bare = text.trim_end();
        // The first rank that fails ends the job. Errors of other ranks after it are consequences.
        if self.error && bare.starts_with("error: rank ") {
            return Vec::new();
        }
        self.error |= bare.starts_with("error: ");
        if let Some(mut banner) = self.banner.take() {
            banner.lines.push(bare.into());
            if banner.is_complete() {
                self.gist = banner.gist().or(self.gist.take());
            } else {
                self.banner = Some(banner);
            }
            return Vec::new();
        }
        let rule = self.rule.take();
        if let Some((frame, _)) = &rule
            && frame.is_banner(bare)
        {
            self.banner = Some(Banner { frame: *frame, lines: vec![bare.into()] });
            return match frame {
                Frame::Dashes => take(&mut self.empty),
                Frame::Equals => {
                    self.empty.clear();
                    Vec::new()
                }
            };
        }
        // The program printed the rule.
        let mut print = Vec::new();
        if let Some((_, rule)) = rule {
            print = [take(&mut self.empty), rule].concat();
        }
        if let Some(remark) = remark(bare) {
            self.gist.get_or_insert_with(|| remark.into());
            return print;
        }
        if let Some(frame) = Frame::begun_by(bare) {
            self.rule = Some((frame, line.into()));
            return print;
        }
        print.extend(take(&mut self.empty));
        if bare.is_empty() { &mut self.empty } else { &mut print }.extend(line);
        print
    }

    /// Returns what is held back, after the last line.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let rule = self.rule.take().map(|(_, rule)| rule).unwrap_or_default();
        [take(&mut self.empty), rule].concat()
    }
}

impl Frame {
    fn begun_by(bare: &str) -> Option<Self> {
        let is_rule = |sign| bare.len() >= 70 && bare.chars().all(|c| c == sign);
        match bare.chars().next() {
            Some('-') if is_rule('-') => Some(Self::Dashes),
            Some('=') if is_rule('=') => Some(Self::Equals),
            _ => None,
        }
    }

    /// Whether this line after the rule begins a launcher's text about ranks that failed.
    fn is_banner(self, bare: &str) -> bool {
        let Self::Dashes = self else {
            return bare.starts_with("=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES");
        };
        let (name, what) = bare.split_once(' ').unwrap_or((bare, ""));
        // Debian has names like mpirun.openmpi.
        let launcher = ["mpirun", "mpiexec", "orterun", "prterun"].iter().any(|launcher| name.starts_with(launcher));
        let starts =
            ["detected that one or more processes", "noticed that process rank", "has exited due to process rank"];
        bare.starts_with("MPI_ABORT was invoked on rank")
            || bare.starts_with("Primary job  terminated normally")
            || launcher && starts.iter().any(|start| what.starts_with(start))
    }
}

impl Banner {
    fn is_complete(&self) -> bool {
        let last = self.lines.last().map_or("", |line| line);
        self.lines.len() > LONGEST
            || match self.frame {
                Frame::Dashes => Frame::begun_by(last).is_some(),
                Frame::Equals => last.starts_with("Please see the FAQ page"),
            }
    }

    /// The first sentence, or in MPICH's banner the line with the signal.
    fn gist(&self) -> Option<String> {
        match self.frame {
            Frame::Dashes => {
                let first: Vec<_> =
                    self.lines.iter().map(|line| line.trim()).take_while(|line| !line.is_empty()).collect();
                first.join(" ").split(". ").next().map(|sentence| sentence.trim_end_matches('.').into())
            }
            Frame::Equals => self.lines.iter().find_map(|line| {
                let how = line.strip_prefix("YOUR APPLICATION TERMINATED WITH THE EXIT STRING: ")?;
                Some(format!("a rank ended: {how}"))
            }),
        }
    }
}

/// A line without a frame: about an abort, or an internal error of the launcher while it ends, or how many banners the launcher has
/// left out because several ranks have failed.
fn remark(bare: &str) -> Option<&str> {
    if bare.starts_with("Abort(") && bare.contains("application called MPI_Abort(") {
        return Some(bare);
    }
    if let Some((_, rest)) = bare.strip_prefix('[')?.split_once("] ")
        && (rest.contains(" sent help message help-mpi-api.txt / mpi-abort")
            || rest.starts_with("Set MCA parameter \"orte_base_help_aggregate\""))
    {
        return Some(rest);
    }
    let at = bare.find("] ORTE_ERROR_LOG: ").or(bare.find("] PMIX ERROR: "))?;
    Some(&bare[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(text: &str) -> (String, Filter) {
        let mut filter = Filter::default();
        let mut bytes: Vec<_> = text.split_inclusive('\n').flat_map(|line| filter.line(line.as_bytes())).collect();
        bytes.extend(filter.rest());
        (String::from_utf8(bytes).unwrap(), filter)
    }

    fn dashes() -> String {
        "-".repeat(74)
    }

    #[test]
    fn the_banners_of_open_mpi_are_removed_and_nothing_else() {
        let rule = dashes();
        let text = format!(
            "before\n\nerror: rank 1: no\n{rule}\nPrimary job  terminated normally, but 1 process returned\na non-zero \
             exit code. Per user-direction, the job has been aborted.\n{rule}\n{rule}\nprterun noticed that process rank \
             1 with PID 7 on node vm exited on\nsignal 9 (Killed).\n{rule}\nafter\n"
        );
        let (passed, filter) = passed(&text);
        assert_eq!(passed, "before\n\nerror: rank 1: no\nafter\n");
        assert!(filter.error);
        assert_eq!(
            filter.gist.as_deref(),
            Some("prterun noticed that process rank 1 with PID 7 on node vm exited on signal 9 (Killed)")
        );
    }

    #[test]
    fn the_banner_of_mpich_is_removed_with_the_empty_line_before_it() {
        let rule = "=".repeat(83);
        let text = format!(
            "before\nAbort(1) on node 1 (rank 1 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 1) - process 1\n\n\
             {rule}\n=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 9\n{rule}\nYOUR APPLICATION \
             TERMINATED WITH THE EXIT STRING: Killed (signal 9)\nThis typically refers\nPlease see the FAQ page for \
             debugging suggestions\nafter"
        );
        let (passed, filter) = passed(&text);
        assert_eq!(passed, "before\nafter");
        assert_eq!(filter.gist.as_deref(), Some("a rank ended: Killed (signal 9)"));
    }

    #[test]
    fn rules_and_empty_lines_of_the_program_are_kept() {
        let rule = dashes();
        for text in [
            format!("a\n\n\nb\n{rule}\n{rule}\n\n{rule}\ntable\n{rule}\n"),
            format!("{rule}\nThere are not enough slots available\n{rule}\n"),
            format!("{}\n=   a title\n\n", "=".repeat(80)),
            rule.clone(),
            "\n".into(),
        ] {
            assert_eq!(passed(&text).0, text);
        }
    }

    #[test]
    fn internal_errors_of_the_launcher_are_only_the_gist() {
        let (passed, filter) = passed("a\n[vm:7] [[3,0],0] ORTE_ERROR_LOG: Not found in file x.c at line 5\n[b] c\n");
        assert_eq!(passed, "a\n[b] c\n");
        assert_eq!(filter.gist.as_deref(), Some("ORTE_ERROR_LOG: Not found in file x.c at line 5"));
    }

    #[test]
    fn banners_that_the_launcher_leaves_out_are_not_counted() {
        let text = "error: rank 0: no\n[vm:7] 2 more processes have sent help message help-mpi-api.txt / mpi-abort\n\
                    [vm:7] Set MCA parameter \"orte_base_help_aggregate\" to 0 to see all help / error messages\n[vm:7] c\n";
        assert_eq!(passed(text).0, "error: rank 0: no\n[vm:7] c\n");
    }

    #[test]
    fn only_the_error_of_the_first_rank_that_fails_is_kept() {
        let (passed, _) = passed("error: rank 2: no\nerror: rank 0: no\nerror: of the program's own\n");
        assert_eq!(passed, "error: rank 2: no\nerror: of the program's own\n");
    }

    #[test]
    fn an_error_is_found_after_a_zero_byte() {
        let (passed, filter) = passed("\0error: rank 1: no\n");
        assert_eq!(passed, "error: rank 1: no\n");
        assert!(filter.error);
    }
}
