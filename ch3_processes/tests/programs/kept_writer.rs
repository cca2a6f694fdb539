use course::testing::contract::Program;

/// What it promises as a hazard is tested with the other hazards.
const KEPT_WRITER: Program =
    Program { path: env!("CARGO_BIN_EXE_kept_writer"), source: "src/bin/kept_writer.rs", bad: &[], long: &[] };

#[test]
fn the_child_writes_as_many_numbers_as_it_is_asked_for() {
    for items in ["1", "1000"] {
        let line = format!("the child has written {items} numbers, and then the end of the stream came\n");
        assert_eq!(KEPT_WRITER.succeeds(&["--repaired", "--items", items]), line);
    }
}
