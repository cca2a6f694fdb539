use course::testing::contract::Program;

const CONDITION: Program = Program {
    path: env!("CARGO_BIN_EXE_condition"),
    source: "src/bin/condition.rs",
    bad: &[
        &["--items", "0"],
        &["--items", "x"],
        &["--items", "-1"],
        &["--items", "1000001"],
        &["--producers", "0"],
        &["--producers", "501"],
        &["--consumers", "0"],
        &["--consumers", "two"],
        &["--capacity", "0"],
        &["--capacity", "65536"],
    ],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    CONDITION.keeps_its_promises();
}

#[test]
fn every_item_goes_in_and_out_once_and_the_buffer_never_holds_too_many() {
    for (producers, consumers) in [(1, 1), (1, 2), (3, 2), (64, 64)] {
        for capacity in [1, 10] {
            let flags = [("--producers", producers), ("--consumers", consumers), ("--capacity", capacity)];
            let flags = flags.map(|(flag, number)| format!("{flag}={number}"));
            let output = CONDITION.succeeds(&[&flags[0], &flags[1], &flags[2], "--items=200", "--pace=0"]);
            let (mut inside, mut outside) = (Vec::new(), Vec::new());
            for line in output.lines() {
                let words: Vec<_> = line.split([' ', ',']).collect();
                let item: u32 = words[3].parse().expect("an item");
                if line.ends_with(" out") {
                    outside.push(item);
                } else {
                    inside.push(item);
                    let held = words[words.len() - 2].parse::<i32>().expect("how many are held");
                    assert!((1..=capacity).contains(&held), "{line}");
                }
            }
            inside.sort_unstable();
            outside.sort_unstable();
            assert!(inside.iter().copied().eq(0..200), "{output}");
            assert_eq!(inside, outside);
        }
    }
}

#[test]
fn no_run_of_many_hangs() {
    CONDITION.ends_every_time(&[
        "--items",
        "50",
        "--producers",
        "3",
        "--consumers",
        "3",
        "--capacity",
        "2",
        "--pace",
        "0",
    ]);
}
