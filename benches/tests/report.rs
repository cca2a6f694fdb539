//! The page of the report in a real browser: plots, tables, timelines, a narrow screen, a dark screen.
//!
//! Without Chromium the test is left out; where the variable `CI` is `true`, it fails then. `REPORT_PICTURES=FOLDER` keeps
//! pictures of the page.

mod browser;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use benches::compare::interval::Order;
use benches::compare::{Comparison, Plan, Solver};
use benches::examples::{self, Example, Outcome, root};
use benches::metg::{Curve, Point};
use benches::peers::{self, Peer};
use benches::prices::{Operation, Price};
use benches::report::Report;
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};
use serde_json::json;

use browser::Browser;

/// Made-up times: parallel solutions pay a fixed price, and mpi takes more than that.
fn comparison() -> Comparison {
    let mut comparison = Comparison::default();
    let price = |strategy| match strategy {
        Strategy::Serial => 0.0,
        Strategy::Rayon => 9e-6,
        Strategy::Threads => 4e-6,
        Strategy::Async => 2e-6,
        Strategy::Processes => 8e-6,
        Strategy::Mpi => 3e-5,
    };
    for (kernel, _) in Plan::full(2).sizes {
        let peers_size = peers::size(kernel);
        for size in [100, 1000, peers_size.unwrap_or(2000).max(2000)] {
            let workers = if kernel == Kernel::Waiting { 20 } else { 2 };
            let problem = Problem { size, workers, iterations: 5, ..Problem::DEFAULT };
            let serial = kernel.work(size) * 1e-9 * if kernel.unit().starts_with('M') { 1e5 } else { 100.0 };
            let strategies = kernel.strategies().iter().map(|strategy| {
                let workers = if *strategy == Strategy::Serial { 1 } else { workers };
                (Solver::Strategy(*strategy), serial / workers as f64 + price(*strategy))
            });
            let peers = Peer::ALL.iter().enumerate().filter(|_| Some(size) == peers_size);
            let peers = peers.map(|(index, peer)| (Solver::Peer(*peer), serial * 0.4 * (1 + index * index) as f64));
            for (solver, seconds) in strategies.chain(peers) {
                for round in 0..3 {
                    let noise = |i: usize| 1.0 + 0.02 * ((i * 7 + round * 3 + solver.to_string().len()) % 5) as f64;
                    let seconds = (0..5).map(|i| seconds * noise(i)).collect();
                    comparison.turn(kernel, solver, &problem, Order::InTurns, || Ok(Measured { seconds, wrong: None }));
                }
            }
        }
    }
    comparison
}

fn prices() -> Vec<Price> {
    use Operation::{Barrier, LongMessage, ShortMessage, StartAndEnd};
    let all = [
        (StartAndEnd, "rayon task", 2, 1.3e-7),
        (StartAndEnd, "tokio task", 2, 4.1e-7),
        (StartAndEnd, "scoped thread", 2, 2.2e-5),
        (StartAndEnd, "process", 2, 1.1e-3),
        (StartAndEnd, "MPI launch", 2, 0.31),
        (ShortMessage, "crossbeam channel", 2, 1.9e-7),
        (ShortMessage, "pipe", 2, 4.4e-6),
        (ShortMessage, "Python multiprocessing queue", 4, 2.1e-5),
        (LongMessage, "shared memory", 2, 9.1e-5),
        (Barrier, "std barrier", 2, 5.0e-6),
    ];
    let price = |(operation, way, workers, seconds): (Operation, &str, usize, f64)| Price {
        operation,
        way: way.into(),
        workers,
        seconds: [0.8, 1.0, 1.5].map(|factor| factor * seconds).to_vec(),
    };
    all.into_iter().map(price).collect()
}

fn curves() -> Vec<Curve> {
    let curve = |(strategy, pattern, metg): (&str, &str, f64)| Curve {
        strategy: strategy.into(),
        pattern: pattern.into(),
        workers: 2,
        points: (0..14)
            .map(|step| metg * 64.0 / f64::powi(2.0, step))
            .map(|time| Point {
                grain: (time * 1e9) as u64,
                task_seconds: time + metg / 2.0,
                efficiency: time / (time + metg),
            })
            .collect(),
        metg: (strategy != "async").then_some(metg),
    };
    let all = [
        ("threads", "stencil_1d", 2e-6),
        ("mpi", "stencil_1d", 1e-6),
        ("async", "stencil_1d", 9e-6),
        ("rayon", "fft", 8e-6),
    ];
    all.into_iter().map(curve).collect()
}

/// The report of these parts, in a folder of its own.
fn write(folder: &Path, comparison: &Comparison, examples: &[Example]) -> PathBuf {
    let outcome = |example: &Example| {
        let svg = root().join(&example.chapter).join("timelines").join(format!("{}.svg", example.name));
        let failure = (example.name == "barrier").then(|| "exit status: 1: <lost>".to_owned());
        (example.chapter != "ch5_async").then(|| Outcome { failure, seconds: 0.3, svg: fs::read_to_string(svg).ok() })
    };
    let (prices, curves) = (prices(), curves());
    let report = Report {
        machine: ["cores: 2, made up", "compiler: rustc 1.95.0", "date: 2026-01-01"].map(String::from).to_vec(),
        examples: examples.iter().map(|example| (example, outcome(example))).collect(),
        comparison: Some(comparison),
        prices: &prices,
        curves: &curves,
        remarks: vec!["without mpi4py: no mpi4py: scripts/setup --peers".into()],
    };
    report.write(folder).expect("the report is written")
}

/// Clicks on an element as a person does, with the pointer.
fn click(browser: &mut Browser, element: &str) {
    let at = browser.value(&format!(
        "(() => {{ const it = {element}; it.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
         const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] }})()"
    ));
    for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
        let event =
            json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "buttons": buttons, "clickCount": 1});
        browser.call("Input.dispatchMouseEvent", &event);
    }
}

fn screen(browser: &mut Browser, width: u32, scheme: &str) {
    let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
    browser.call("Emulation.setDeviceMetricsOverride", &metrics);
    let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
    browser.call("Emulation.setEmulatedMedia", &scheme);
}

#[test]
fn the_page_works_in_a_browser() {
    let Some(mut browser) = Browser::start() else {
        assert_ne!(env::var("CI").as_deref(), Ok("true"), "no chromium found");
        println!("left out: no chromium found");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (comparison, examples) = (comparison(), examples::all().expect("examples"));
    let page = write(folder.path(), &comparison, &examples);
    screen(&mut browser, 1280, "light");
    browser.open(&page);

    plots_are_there(&mut browser);
    tables_work(&mut browser);
    timelines_work(&mut browser, examples.len());
    nothing_is_wider_than_the_screen(&mut browser);
    dark_is_dark(&mut browser);
    keep_pictures(&mut browser);
    assert_eq!(browser.complaints(), [""; 0]);
}

fn plots_are_there(browser: &mut Browser) {
    let plots = |section: &str| format!("document.querySelectorAll('#{section} svg.plot').length");
    for (section, count) in [
        ("speed-up", 7),
        ("crossovers", 7),
        ("efficiency", 6),
        ("roofline", 4),
        ("peers", 6),
        ("prices", 4),
        ("grain", 2),
    ] {
        assert_eq!(browser.value(&plots(section)), json!(count), "{section}");
    }
    let empty = "[...document.querySelectorAll('svg.plot')].filter((it) => it.getBoundingClientRect().height < 60 || \
                 it.querySelectorAll('polygon, polyline').length < 3 || !it.getAttribute('aria-label')).length";
    assert_eq!(browser.value(empty), json!(0));
    assert_eq!(browser.value("document.querySelectorAll('#paid p:not(.note)').length"), json!(4));
    let levels = "[...document.querySelectorAll('h1, h2, h3, h4')].map((it) => Number(it.localName[1])).every((it, i, all) \
                  => i === 0 ? it === 1 : it <= all[i - 1] + 1)";
    assert_eq!(browser.value(levels), json!(true), "headings are in order");
    assert_eq!(browser.value("document.documentElement.lang + document.title.slice(0, 8)"), json!("enParallel"));
    let dead = "[...document.querySelectorAll('nav a')].filter((it) => !document.querySelector(it.hash)).length";
    assert_eq!(browser.value(dead), json!(0));
}

fn tables_work(browser: &mut Browser) {
    const TABLE: &str = "document.querySelector('#speed-up .numbers')";
    let shown = || format!("[...{TABLE}.querySelectorAll('tbody tr')].filter((row) => !row.hidden)");
    assert_eq!(browser.value(&format!("{TABLE}.open")), json!(false), "the numbers are folded away");
    click(browser, &format!("{TABLE}.querySelector('summary')"));
    let all = browser.value(&format!("{}.length", shown()));

    // By text and by choice.
    click(browser, &format!("{TABLE}.querySelector('input')"));
    browser.call("Input.insertText", &json!({"text": "stencil rayon"}));
    assert_eq!(browser.value(&format!("{}.length", shown())), json!(3), "of {all}");
    browser.value(&format!(
        "{{ const field = {TABLE}.querySelector('input'); field.value = ''; field.dispatchEvent(new Event('input')); \
         const [, strategy] = {TABLE}.querySelectorAll('select'); strategy.value = 'threads'; \
         strategy.dispatchEvent(new Event('change')); }}"
    ));
    assert_eq!(browser.value(&format!("{}.length", shown())), json!(7 * 3));

    // By number, up and down.
    let sizes = format!("{}.map((row) => Number(row.cells[1].dataset.value))", shown());
    for (up, state) in [(true, "ascending"), (false, "descending")] {
        click(browser, &format!("{TABLE}.querySelectorAll('th button')[1]"));
        let sorted: Vec<f64> = serde_json::from_value(browser.value(&sizes)).expect("numbers");
        assert!(sorted.windows(2).all(|two| if up { two[0] <= two[1] } else { two[0] >= two[1] }), "{sorted:?}");
        assert_eq!(browser.value(&format!("{TABLE}.querySelectorAll('th')[1].ariaSort")), json!(state));
    }

    // As CSV: what is shown, with exact numbers.
    browser
        .value("void (navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); })");
    click(browser, &format!("{TABLE}.querySelector('.tools button')"));
    let copied = browser.value("window.copied");
    let copied = copied.as_str().expect("text");
    let mut lines = copied.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("kernel,size,strategy,workers,iteration,")), "{copied}");
    assert!(lines.clone().count() == 7 * 3 && lines.all(|line| line.contains(",threads,")), "{copied}");
}

fn timelines_work(browser: &mut Browser, examples: usize) {
    assert_eq!(browser.value("document.querySelectorAll('#programs article').length"), json!(examples));
    let dead = "[...document.querySelectorAll('#programs h4 a, #programs h3 a')].map((it) => decodeURI(it.href))";
    for link in browser.value(dead).as_array().expect("links") {
        let path = link.as_str().and_then(|link| link.strip_prefix("file://")).expect("a file");
        assert!(Path::new(path).exists(), "{path}");
    }
    assert_eq!(
        browser.value("document.querySelector('#barrier .status').textContent"),
        json!("exit status: 1: <lost> (300 ms)")
    );
    assert_eq!(browser.value("document.querySelector('#echo .status').textContent"), json!("cannot run here"));
    assert_eq!(
        browser.value("document.querySelector('#barrier pre').textContent.startsWith('cargo run')"),
        json!(true)
    );

    // A bar tells what its lane waited for, and where.
    const BAR: &str = "document.querySelector('#barrier .timeline rect.wait')";
    click(browser, BAR);
    let tip = "document.querySelector('#tip').hidden ? '' : document.querySelector('#tip').textContent";
    let said = browser.value(tip);
    let place = "waits for join at ch2_threads/src/bin/barrier.rs:";
    assert!(said.as_str().is_some_and(|said| said.starts_with(place)), "{said}");
    // The same by the keyboard.
    browser.value(&format!("void {BAR}.focus()"));
    for kind in ["keyDown", "keyUp"] {
        browser.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": "ArrowDown", "code": "ArrowDown"}));
    }
    let said = browser.value("document.activeElement.dataset.tip === document.querySelector('#tip').textContent");
    assert_eq!(said, json!(true));

    // By a button, by the wheel, and back.
    const WIDTH: &str = "document.querySelector('#barrier .timeline rect.wait').width.baseVal.value";
    let width = |browser: &mut Browser| browser.value(WIDTH).as_f64().expect("a width");
    let before = width(browser);
    click(browser, "document.querySelector('#barrier .buttons button')");
    let zoomed = width(browser);
    assert!((zoomed / before - 2.0).abs() < 0.01, "{before} {zoomed}");
    let labels = "[...document.querySelectorAll('#barrier .timeline text')].filter((it) => it.textContent.endsWith(' ms')).length";
    assert!(browser.value(labels).as_u64().is_some_and(|labels| labels >= 4), "the axis has ticks");
    click(browser, BAR);
    let at = browser.value(&format!(
        "(() => {{ const box = {BAR}.closest('svg').getBoundingClientRect(); return [box.x + 300, box.y + 80] }})()"
    ));
    let wheel = json!({"type": "mouseWheel", "x": at[0], "y": at[1], "deltaX": 0, "deltaY": -300});
    browser.call("Input.dispatchMouseEvent", &wheel);
    let wheeled = width(browser);
    assert!((wheeled / zoomed - std::f64::consts::E).abs() < 0.01, "{zoomed} {wheeled}");
    click(browser, "document.querySelector('#barrier .buttons button:last-child')");
    assert!((width(browser) - before).abs() < 0.01);
}

fn nothing_is_wider_than_the_screen(browser: &mut Browser) {
    for width in [390, 1280] {
        screen(browser, width, "light");
        browser.value("document.querySelectorAll('details').forEach((it) => { it.open = true })");
        let wide = "[...document.querySelectorAll('body *')].filter((it) => !it.closest('.scroll table, .window svg, pre \
                    code') && it.getBoundingClientRect().right > innerWidth + 0.5).map((it) => it.outerHTML.slice(0, \
                    80))";
        assert_eq!(browser.value(wide), json!([]), "{width}");
        assert_eq!(browser.value("document.documentElement.scrollWidth"), json!(width));
        browser.value("document.querySelectorAll('details').forEach((it) => { it.open = false })");
    }
}

fn dark_is_dark(browser: &mut Browser) {
    let colours = "['body', '.plot .ink', '.plot .of-threads'].map((it) => getComputedStyle(document.querySelector(it)))\
                   .map((it, i) => i === 0 ? it.backgroundColor : i === 1 ? it.fill : it.fill + it.stroke)";
    let light = browser.value(colours);
    screen(browser, 1280, "dark");
    let dark = browser.value(colours);
    for (light, dark) in light.as_array().into_iter().flatten().zip(dark.as_array().into_iter().flatten()) {
        assert_ne!(light, dark);
    }
    assert_eq!(dark[0], json!("rgb(13, 17, 23)"));
    // A pattern that has no style is black.
    let patterns = "[...document.querySelectorAll('.definitions pattern rect')].map((it) => getComputedStyle(it).fill)";
    let patterns = browser.value(patterns);
    let black = json!("rgb(0, 0, 0)");
    assert!(patterns.as_array().is_some_and(|all| all.len() == 2 && !all.contains(&black)), "{patterns}");
}

fn keep_pictures(browser: &mut Browser) {
    let Ok(folder) = env::var("REPORT_PICTURES") else { return };
    for (name, width, scheme) in [("wide", 1280, "light"), ("narrow", 390, "light"), ("dark", 1280, "dark")] {
        screen(browser, width, scheme);
        browser.value("void scrollTo(0, 0)");
        for (part, section) in [("top", "paid"), ("middle", "crossovers"), ("peers", "peers"), ("programs", "barrier")]
        {
            let top =
                browser.value(&format!("document.querySelector('#{section}').getBoundingClientRect().top + scrollY"));
            let top = if part == "top" { 0.0 } else { top.as_f64().expect("a place") };
            browser.picture(&Path::new(&folder).join(format!("{name}-{part}.png")), top, 1500.0);
        }
    }
}
