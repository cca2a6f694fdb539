//! The programs of the chapters in the page: what each shows, its command, how its run went, and its timeline.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use course::lanes::chart::time;
use course::lanes::svg::escape;

use crate::examples::{Example, Outcome, root};

/// The HTML of all programs, in reading order.
#[must_use]
pub fn section(examples: &[(&Example, Option<Outcome>)], folder: &Path) -> String {
    let mut html = String::new();
    let mut chapter = "";
    let mut shared = Shared::default();
    for (example, outcome) in examples {
        // Writing to a string cannot fail.
        if chapter != example.chapter {
            chapter = &example.chapter;
            let readme = link(folder, &format!("{chapter}/README.md"));
            let _ = writeln!(html, "<h3><a href=\"{readme}\">{chapter}</a></h3>");
        }
        let source = link(folder, &example.source());
        let (class, status) = match outcome {
            None => ("missing", "cannot run here".to_owned()),
            Some(Outcome { failure: Some(failure), seconds, .. }) => ("bad", format!("{failure} ({})", time(*seconds))),
            Some(Outcome { seconds, .. }) if example.is_hazard => {
                ("good", format!("goes wrong, as it must ({})", time(*seconds)))
            }
            Some(Outcome { seconds, .. }) => ("good", format!("ok ({})", time(*seconds))),
        };
        let _ = writeln!(
            html,
            "<article id=\"{name}\">\n<h4><a href=\"{source}\">{name}</a></h4>\n\
             <p class=\"status {class}\">{}</p>\n<p>{}</p>",
            escape(&status),
            prose(&example.shows),
            name = example.name,
        );
        let _ = writeln!(html, "<pre><code>{}</code></pre>", escape(&example.command));
        if !example.observe.is_empty() {
            let _ = writeln!(html, "<p><b>Observe:</b> {}</p>", prose(&example.observe));
        }
        if let Some(Outcome { svg: Some(svg), .. }) = outcome {
            let _ = writeln!(html, "<figure class=\"timeline\">\n{}</figure>", shared.without(svg));
        }
        html += "</article>\n";
    }
    shared.html() + &html
}

/// The parts that all timelines have in common: they stand once in the page.
#[derive(Default)]
struct Shared {
    styles: Vec<String>,
    definitions: Vec<String>,
}

impl Shared {
    /// The timeline without the parts that are kept here.
    fn without(&mut self, svg: &str) -> String {
        let (svg, styles) = cut(svg, "<style>", "</style>");
        let (svg, definitions) = cut(&svg, "<defs>", "</defs>");
        for (kept, found) in [(&mut self.styles, styles), (&mut self.definitions, definitions)] {
            for part in found {
                if !kept.contains(&part) {
                    kept.push(part);
                }
            }
        }
        svg
    }

    fn html(&self) -> String {
        if self.definitions.is_empty() {
            return String::new();
        }
        let styles = self.styles.join("\n");
        let definitions = self.definitions.concat();
        // The rules of a timeline count inside of timelines only. Patterns must not be in a part that is not displayed.
        format!(
            "<style>\n.timeline {{\n{styles}\n}}\n</style>\n<svg class=\"timeline definitions\" \
             aria-hidden=\"true\"><defs>{definitions}</defs></svg>\n"
        )
    }
}

/// The text without all that stands from `open` to `close`, and what stood between them.
fn cut(text: &str, open: &str, close: &str) -> (String, Vec<String>) {
    let (mut rest, mut left, mut found) = (text, String::new(), Vec::new());
    while let Some((before, inside, after)) =
        rest.split_once(open).and_then(|(before, after)| after.split_once(close).map(|(i, after)| (before, i, after)))
    {
        left += before;
        found.push(inside.to_owned());
        rest = after;
    }
    (left + rest, found)
}

/// The address of a file of the checkout in a page that stands in `folder`.
#[must_use]
pub fn link(folder: &Path, file: &str) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (absolute(folder), absolute(&root().join(file)));
    let is_common = |pair: &(Component<'_>, Component<'_>)| pair.0 == pair.1;
    let common = from.components().zip(to.components()).take_while(is_common).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    escape(&path.to_string_lossy().replace('%', "%25").replace(' ', "%20").replace('#', "%23").replace('?', "%3F"))
}

/// Text of a header: what stands between backticks is code.
fn prose(text: &str) -> String {
    let parts = escape(text);
    let parts = parts.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_folder_of_the_page_to_the_checkout() {
        let root = root();
        assert_eq!(link(&root.join("target/tour"), "ch1_parallel/README.md"), "../../ch1_parallel/README.md");
        assert_eq!(link(root, "a b/c.rs"), "a%20b/c.rs");
        let elsewhere = link(Path::new("/somewhere/else"), "README.md");
        assert!(elsewhere.starts_with("../..") && elsewhere.ends_with("/README.md"), "{elsewhere}");
    }

    #[test]
    fn the_styles_and_patterns_of_timelines_stand_once() {
        let mut shared = Shared::default();
        let svg = "<svg><style>a</style><defs>p</defs><rect/><style>b</style></svg>";
        assert_eq!(shared.without(svg), "<svg><rect/></svg>");
        shared.without(svg);
        assert_eq!((shared.styles.join(","), shared.definitions.join(",")), ("a,b".into(), "p".into()));
    }

    #[test]
    fn code_in_prose_is_code() {
        assert_eq!(prose("run `a < b` now"), "run <code>a &lt; b</code> now");
    }
}
