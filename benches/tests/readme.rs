//! The READMEs name every program, and the files to which they link exist.

use std::fs;
use std::path::Path;

use benches::examples::{self, root};
use benches::timelines;

const FOLDERS: [&str; 6] = ["ch1_parallel", "ch2_threads", "ch3_processes", "ch4_mpi", "ch5_async", "benches"];

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_program_is_in_the_readmes_and_has_a_test() {
    let readme = read(&root().join("README.md"));
    for folder in FOLDERS {
        let chapter = read(&root().join(folder).join("README.md"));
        for entry in fs::read_dir(root().join(folder).join("src/bin")).expect("programs") {
            let path = entry.expect("a program").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a plain name");
            assert!(readme.contains(&format!("`{name}`")), "README.md does not name {name}");
            assert!(chapter.contains(name), "{folder}/README.md does not name {name}");
            assert!(read(&path).starts_with("//! "), "{name} has no header");
            let tests = root().join(folder).join("tests");
            // The macro `hazards` makes the name of the executable from that of the hazard.
            let runs =
                mentions(&tests, &format!("CARGO_BIN_EXE_{name}")) || mentions(&tests, &format!("\n    {name} {{\n"));
            assert!(runs, "no test in {} runs {name}", tests.display());
        }
    }
}

#[test]
fn each_chapter_has_its_programs_as_they_are() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for example in examples::all().expect("examples") {
        let (name, folder) = (&example.name, root().join(&example.chapter));
        let chapter = words(&read(&folder.join("README.md")));
        let source = read(&folder.join("src/bin").join(format!("{name}.rs")));
        let header: Vec<_> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        for field in ["Run:", "Exercise:"] {
            // A field ends where the next field begins.
            let own = header.iter().skip_while(|line| !line.starts_with(field));
            let rest = own.clone().skip(1).take_while(|line| !line.split(' ').next().is_some_and(|w| w.ends_with(':')));
            let text = own.take(1).map(|line| &line[field.len()..]).chain(rest.copied()).collect::<Vec<_>>().join(" ");
            assert!(!text.trim().is_empty(), "{name} has no {field}");
            assert!(chapter.contains(&words(&text)), "{}/README.md, {name}, {field} {text}", example.chapter);
        }
        assert!(chapter.contains(&format!("(timelines/{name}.svg)")), "{}/README.md shows no {name}", example.chapter);
    }
}

#[test]
fn the_timelines_name_lines_at_which_the_code_waits() {
    for example in examples::all().expect("examples") {
        if let Err(error) = timelines::check_kept_places(&example) {
            panic!("{error:#}");
        }
    }
}

/// Whether a file in `folder` or below it contains `words`.
fn mentions(folder: &Path, words: &str) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() { mentions(&path, words) } else { read(&path).contains(words) }
    })
}

#[test]
fn links_lead_somewhere() {
    for folder in [".", "ch1_parallel", "ch2_threads", "ch3_processes", "ch4_mpi", "ch5_async", "benches"] {
        let folder = root().join(folder);
        let readme = read(&folder.join("README.md"));
        for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            assert!(link.starts_with("https://") || folder.join(path).exists(), "{}: {link}", folder.display());
        }
    }
}
