use super::super::board::Place;
use super::super::holding::{EndState, Hold, Job};
use super::super::waking::WakingState;
use super::*;
use crate::clock::Moment;

const STILL: Duration = Duration::from_secs(1);

fn place(line: u32) -> Place {
    Place::Found(format!("a.rs:{line}"))
}

/// The lane of a thread that has run for a long time.
fn runs(number: u64, name: &str) -> LaneState {
    LaneState {
        number,
        name: name.into(),
        is_task: false,
        entered: true,
        thread: number as i32,
        process: None,
        has_ended: false,
        thread_id: Some(std::thread::spawn(|| ()).thread().id()),
        polled_by: None,
        doing: None,
        beside: Vec::new(),
        holds: Vec::new(),
        still: 2 * STILL,
        waking: WakingState::default(),
    }
}

fn waits(number: u64, name: &str, needs: Needs) -> LaneState {
    LaneState { doing: Some(waits_for(needs)), ..runs(number, name) }
}

fn waits_for(needs: Needs) -> Doing {
    Doing::of(Kind::Wait, "it", place(1), Moment(0), needs, true)
}

/// A task that is not polled, by the lane `by`.
fn task(number: u64, name: &str, by: Option<u64>) -> LaneState {
    LaneState { is_task: true, entered: false, polled_by: by, ..runs(number, name) }
}

fn holds(lane: LaneState, lock: usize, is_shared: bool) -> LaneState {
    let name = format!("lock {lock}");
    let hold = Hold { number: 0, lock, permit_of: None, name, is_shared, place: place(2) };
    LaneState { holds: vec![hold], ..lane }
}

fn stuck(all: &[LaneState]) -> Vec<String> {
    let lanes = Lanes::of(all.to_vec(), STILL, true, Others::default());
    let stuck = lanes.all.iter().zip(&lanes.released).filter(|(_, released)| !**released);
    stuck.map(|(lane, _)| lane.name.clone()).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_cycle_of_locks_is_a_deadlock() {
    let all = [
        holds(waits(0, "a", Needs::Exclusive(8)), 7, false),
        holds(waits(1, "b", Needs::Exclusive(7)), 8, false),
        waits(2, "c", Needs::Exclusive(7)),
        runs(3, "d"),
    ];
    assert_eq!(stuck(&all), ["a", "b", "c"]);
    let lanes = Lanes::of(all.to_vec(), STILL, true, Others::default());
    assert_eq!(lanes.verdict(), Verdict::Deadlock);
    let report = lanes.report();
    let cycle = "reason: a cycle: a waits for it at a.rs:1, which b holds since a.rs:2; b waits for it at a.rs:1, which a holds \
                 since a.rs:2\n";
    assert!(report.ends_with(cycle) && !report.contains("  d "), "{report}");
    // A holder that has moved lately, or that runs, can release its lock.
    let mut moved = all.clone();
    moved[0].still = STILL / 2;
    assert_eq!(stuck(&moved), NONE);
    assert_eq!(stuck(&[holds(runs(0, "a"), 7, false), waits(1, "b", Needs::Exclusive(7))]), NONE);
}

#[test]
fn a_reader_waits_for_writers_and_not_for_readers() {
    let reader = |needs| holds(waits(0, "reader", needs), 7, true);
    assert_eq!(stuck(&[reader(Needs::Shared(7)), waits(1, "writer", Needs::Exclusive(7))]), ["reader", "writer"]);
    assert_eq!(stuck(&[reader(Needs::Shared(7)), waits(1, "other", Needs::Shared(7))]), NONE);
    assert_eq!(stuck(&[holds(waits(0, "writer", Needs::Shared(7)), 7, false)]), ["writer"]);
    // A lane that reads and wants to write keeps later readers out, and waits for itself.
    let upgrades = holds(waits(1, "upgrades", Needs::Exclusive(7)), 7, true);
    let lanes = Lanes::of(vec![waits(0, "reader", Needs::Shared(7)), upgrades], STILL, true, Others::default());
    assert!(lanes.step(0, Some(1)).ends_with(", behind upgrades, which waits to write"), "{}", lanes.step(0, Some(1)));
}

#[test]
fn what_any_lane_can_do_needs_one_lane_that_can_go_on() {
    for needs in [Needs::Notification, Needs::Parties(5, 3)] {
        assert_eq!(stuck(&[waits(0, "a", needs.clone()), runs(1, "b")]), NONE);
        assert_eq!(stuck(&[waits(0, "a", needs.clone()), waits(1, "b", Needs::Notification)]), ["a", "b"]);
        // A thread without a lane may do it.
        let lanes = Lanes::of(vec![waits(0, "a", needs)], STILL, false, Others::default());
        assert_eq!(lanes.verdict(), Verdict::NotMoving);
    }
    let all = [0, 1].map(|number| waits(number, "a", Needs::Parties(5, 2)));
    assert_eq!(stuck(&all), NONE, "all have come");
}

#[test]
fn a_wait_of_which_nothing_is_known_is_no_deadlock() {
    let lanes = Lanes::of(vec![waits(0, "a", Needs::Unknown)], STILL, true, Others::default());
    assert_eq!(lanes.verdict(), Verdict::NotMoving);
    assert!(lanes.report().starts_with("not moving: "), "{}", lanes.report());
    let lanes = Lanes::of(vec![waits(0, "a", Needs::Unknown), runs(1, "b")], STILL, true, Others::default());
    assert_eq!(lanes.verdict(), Verdict::GoesOn);
    assert_eq!(Lanes::of(Vec::new(), STILL, true, Others::default()).verdict(), Verdict::GoesOn);
}

#[test]
fn the_end_of_a_stuck_thread_does_not_come() {
    let stuck_thread = holds(waits(1, "b", Needs::Exclusive(7)), 7, false);
    let all = [waits(0, "a", Needs::EndOf(stuck_thread.thread_id.unwrap())), stuck_thread];
    assert_eq!(stuck(&all), ["a", "b"]);
    assert!(Lanes::of(all.to_vec(), STILL, true, Others::default()).report().contains("reason: b waits for it"));
    let of_ended = runs(1, "b").thread_id.unwrap();
    assert_eq!(stuck(&[waits(0, "a", Needs::EndOf(of_ended))]), NONE);
}

#[test]
fn the_end_of_a_job_needs_the_lane_that_runs_it() {
    let job = |by| Needs::EndOfJob(Arc::new(Job::of(by)));
    let waits_for_job = |by| holds(waits(0, "a", job(by)), 7, false);
    let needs_lock = waits(1, "b", Needs::Exclusive(7));
    let all = [waits_for_job(Some(1)), needs_lock.clone()];
    assert_eq!(stuck(&all), ["a", "b"]);
    let report = Lanes::of(all.to_vec(), STILL, true, Others::default()).report();
    let cycle = "reason: a cycle: a waits for the end of it at a.rs:1, which b runs; b waits for it at a.rs:1, which a holds since \
                 a.rs:2\n";
    assert!(report.ends_with(cycle), "{report}");
    assert_eq!(stuck(&[waits_for_job(None), needs_lock.clone()]), NONE, "a thread of the pool may begin the job");
    assert_eq!(stuck(&[waits_for_job(Some(2)), needs_lock, runs(2, "c")]), NONE, "the job goes on");
}

#[test]
fn a_task_needs_its_poller() {
    // The thread runs a task that waits for a lock, and the task that holds it would be polled by the same thread.
    let blocks = LaneState { is_task: true, polled_by: Some(0), ..waits(1, "blocks", Needs::Exclusive(7)) };
    let holds_it = |by| holds(task(2, "holds", by), 7, false);
    assert_eq!(stuck(&[runs(0, "main"), blocks.clone(), holds_it(Some(0))]), ["blocks", "holds", "main"]);
    // A task that another thread may poll can go on.
    assert_eq!(stuck(&[runs(0, "main"), blocks, holds_it(None)]), NONE);
}

#[test]
fn a_future_that_its_task_no_longer_polls_holds_what_the_task_waits_for() {
    let doing = Some(Doing::of(Kind::Wait, "it", place(1), Moment(0), Needs::Exclusive(7), false));
    let waking = |copies, polled, woken: Option<u64>| WakingState {
        copies,
        polled: Some(Moment(polled)),
        woken: woken.map(Moment),
    };
    let awaits = |copies, polled| LaneState {
        doing: doing.clone(),
        waking: waking(copies, polled, None),
        ..task(1, "awaits", Some(0))
    };
    let left = |woken| LaneState { waking: waking(1, 1, woken), ..holds(task(2, "left", Some(1)), 7, false) };
    // The two copies of the task's waker belong to the lock and to the future that is left.
    assert_eq!(stuck(&[runs(0, "main"), awaits(2, 5), left(Some(4))]), ["awaits", "left"]);
    assert_eq!(stuck(&[runs(0, "main"), awaits(3, 5), left(Some(4))]), NONE, "the task may wait for something else");
    assert_eq!(stuck(&[runs(0, "main"), awaits(2, 3), left(Some(4))]), NONE, "the task was not polled since");
    assert_eq!(stuck(&[runs(0, "main"), awaits(2, 5), left(None)]), NONE, "the future was not woken");
}

/// A lane of another process.
fn of_process(process: u32, lane: LaneState) -> LaneState {
    LaneState { process: Some(process), number: u64::from(process) << 32 | lane.number, ..lane }
}

/// The lanes that are stuck if only this process and process 2 exist, and have these ends of pipes open: the pipe, whether it is
/// the writing end, and the process.
fn stuck_with(all: &[LaneState], ends: &[(u64, bool, u32)]) -> Vec<String> {
    let mut others = Others { complete: [2].into(), are_all: true, ..Others::default() };
    for &(pipe, writes, process) in ends {
        others.openers.entry((pipe, writes)).or_default().push(process);
    }
    let lanes = Lanes::of(all.to_vec(), STILL, true, others);
    let stuck = (0..lanes.all.len()).filter(|&index| lanes.is_stuck(index));
    stuck.map(|index| lanes.all[index].name.clone()).collect()
}

#[test]
fn a_pipe_needs_a_process_that_has_its_other_end() {
    let own = process::id();
    let (bytes, room) = (Needs::Between(Between::Bytes(5)), Needs::Between(Between::Room(6)));
    let reads = || waits(0, "reads", bytes.clone());
    assert_eq!(stuck_with(&[reads()], &[(5, true, own)]), ["reads"]);
    assert_eq!(stuck_with(&[reads()], &[]), NONE, "the system tells it the end");
    assert_eq!(stuck_with(&[reads()], &[(5, true, own), (5, true, 3)]), NONE, "process 3 is not known");
    assert_eq!(stuck(&[reads()]), NONE, "another process may receive the end");
    assert_eq!(stuck_with(&[reads(), runs(1, "runs")], &[(5, true, own)]), NONE);
    let writes = of_process(2, waits(0, "writes", room.clone()));
    let both = [reads(), writes.clone()];
    assert_eq!(stuck_with(&both, &[(5, true, 2), (6, false, own)]), ["reads", "writes"]);
    assert_eq!(stuck_with(&both, &[(5, true, 2), (6, false, own), (6, false, 3)]), NONE);
    assert_eq!(stuck_with(&[reads(), of_process(2, runs(0, "runs"))], &[(5, true, 2)]), NONE);
    let kills = runs(1, "kills");
    let own_end = of_process(2, waits(0, "own end", bytes.clone()));
    assert_eq!(stuck_with(std::slice::from_ref(&own_end), &[(5, true, 2)]), ["own end"]);
    assert_eq!(stuck_with(&[own_end, kills.clone()], &[(5, true, 2)]), NONE);
    assert_eq!(stuck_with(&[reads(), writes.clone(), kills], &[(5, true, 2), (6, false, own)]), NONE);
    let moved = LaneState { still: STILL / 2, ..writes };
    assert_eq!(stuck_with(&[reads(), moved], &[(5, true, 2), (6, false, own)]), NONE);
}

#[test]
fn a_permit_may_be_released_by_any_lane_that_can_go_on() {
    let waits_for = waits(0, "waits", Needs::Between(Between::Permit(9)));
    let permit = Hold::of_permit(9, "permit", std::panic::Location::caller());
    let holder = LaneState { holds: vec![permit], ..of_process(2, runs(0, "holder")) };
    let killed = LaneState { has_ended: true, ..holder.clone() };
    let all = [waits_for.clone(), killed.clone()];
    assert_eq!(stuck_with(&all, &[]), ["waits"]);
    let others = Others { are_all: true, ..Others::default() };
    let report = Lanes::of(all.to_vec(), STILL, true, others).report();
    assert!(report.contains("\n  holder has ended; it holds permit since "), "{report}");
    assert!(report.contains("reason: waits waits for it at a.rs:1, which holder holds since "), "{report}");
    assert!(report.ends_with(", and holder has ended\n"), "{report}");
    assert_eq!(stuck_with(&[waits_for.clone(), holder], &[]), NONE);
    assert_eq!(stuck_with(&[waits_for.clone(), killed, runs(1, "runs")], &[]), NONE);
    // A process that has told nothing may release it.
    assert_eq!(stuck_with(std::slice::from_ref(&waits_for), &[(9, true, 3)]), NONE);
    assert_eq!(stuck(&[waits_for]), NONE);
}

#[test]
fn the_end_of_a_stuck_process_does_not_come() {
    let joins = waits(0, "joins", Needs::Between(Between::EndOf(2)));
    let child = of_process(2, waits(0, "child", Needs::Between(Between::Bytes(5))));
    let own = [(5, true, process::id())];
    assert_eq!(stuck_with(&[joins.clone(), child.clone()], &own), ["child", "joins"]);
    assert_eq!(stuck_with(&[joins.clone(), child, runs(1, "kills")], &own), NONE);
    assert_eq!(stuck_with(&[joins], &own), NONE, "it has ended");
}

#[test]
fn a_pipe_needs_all_that_may_have_its_other_end() {
    let reads = waits(0, "reads", Needs::Between(Between::Bytes(5)));
    let of = |is_complete, are_all, processes: Vec<u32>| {
        let others = Others { are_all, openers: [((5, true), processes)].into(), ..Others::default() };
        Lanes::of(vec![reads.clone()], STILL, is_complete, others).verdict()
    };
    let own = vec![process::id()];
    assert_eq!(of(true, true, own.clone()), Verdict::Deadlock);
    assert_eq!(of(true, true, vec![]), Verdict::NotMoving, "the system tells it the end");
    assert_eq!(of(false, true, own.clone()), Verdict::NotMoving, "a thread without a lane may write");
    assert_eq!(of(true, false, own), Verdict::NotMoving, "another process may receive the end");
}

#[test]
fn a_lane_of_another_process_may_kill_one_that_waits_for_its_parent() {
    let parent = holds(waits(0, "parent", Needs::Exclusive(7)), 7, false);
    let child = of_process(2, waits(0, "child", Needs::Between(Between::Bytes(5))));
    let kills = of_process(3, runs(0, "kills"));
    let stuck = |all: &[LaneState]| {
        let openers = [((5, true), vec![process::id()])].into();
        let lanes = Lanes::of(all.to_vec(), STILL, true, Others { complete: [2, 3].into(), are_all: true, openers });
        (0..lanes.all.len()).filter(|&it| lanes.is_stuck(it)).map(|it| lanes.all[it].name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(stuck(&[parent.clone(), child.clone()]), ["child", "parent"]);
    assert_eq!(stuck(&[parent, child, kills]), ["parent"]);
}

#[test]
fn only_a_lane_of_this_process_notifies_its_lanes() {
    for needs in [Needs::Notification, Needs::Parties(5, 3)] {
        assert_eq!(stuck_with(&[waits(0, "a", needs), of_process(2, runs(0, "b"))], &[]), ["a"]);
    }
}

#[test]
fn the_end_of_a_process_that_had_a_permit_has_come() {
    let joins = waits(0, "joins", Needs::Between(Between::EndOf(2)));
    let permit = Hold::of_permit(9, "permit", std::panic::Location::caller());
    let killed = LaneState { has_ended: true, holds: vec![permit], ..of_process(2, runs(0, "killed")) };
    assert_eq!(stuck_with(&[joins, killed], &[]), NONE);
}

#[test]
fn permits_can_form_a_cycle() {
    let needs = |memory| Needs::Between(Between::Permit(memory));
    let has = |memory| vec![Hold { place: place(2), ..Hold::of_permit(memory, "it", std::panic::Location::caller()) }];
    let all = vec![
        LaneState { holds: has(8), ..waits(0, "a", needs(9)) },
        LaneState { holds: has(9), ..of_process(2, waits(0, "b", needs(8))) },
    ];
    let others = Others { complete: [2].into(), are_all: true, ..Others::default() };
    let report = Lanes::of(all, STILL, true, others).report();
    let cycle = "reason: a cycle: a waits for it at a.rs:1, which b holds since a.rs:2; b waits for it at a.rs:1, which a holds \
                 since a.rs:2\n";
    assert!(report.ends_with(cycle), "{report}");
}

#[test]
fn a_thread_without_a_lane_may_kill_a_process() {
    let joins = waits(0, "joins", Needs::Between(Between::EndOf(2)));
    let child = of_process(2, waits(0, "child", Needs::Between(Between::Bytes(5))));
    let verdict = |is_complete| {
        let others = Others { complete: [2].into(), are_all: true, openers: [((5, true), vec![2])].into() };
        Lanes::of(vec![joins.clone(), child.clone()], STILL, is_complete, others).verdict()
    };
    assert_eq!((verdict(true), verdict(false)), (Verdict::Deadlock, Verdict::NotMoving));
}

#[test]
fn while_a_lane_has_just_ended_the_program_goes_on() {
    let lanes = || Lanes::of(vec![waits(0, "a", Needs::Unknown)], STILL, true, Others::default());
    assert_eq!(lanes().verdict(), Verdict::NotMoving);
    assert_eq!(Lanes { is_quiet: false, ..lanes() }.verdict(), Verdict::GoesOn);
}

#[test]
fn lanes_have_settled_when_none_has_moved_and_no_thread_computes() {
    let settled = |others: [LaneState; 2], is_quiet| {
        let lanes = Lanes::of(others.into(), STILL, true, Others::default());
        Lanes { is_quiet, ..lanes }.are_settled()
    };
    let (still, moved) =
        (waits(0, "a", Needs::Unknown), LaneState { still: STILL / 2, ..waits(1, "b", Needs::Unknown) });
    let ended = LaneState { has_ended: true, ..moved.clone() };
    assert!(settled([still.clone(), ended], true));
    assert!(!settled([still.clone(), moved], true));
    assert!(!settled([still.clone(), still.clone()], false));
    // A lane that sleeps may wait for the others next.
    let sleep = Doing { kind: Kind::Sleep, ..waits_for(Needs::Unknown) };
    let sleeps = LaneState { doing: Some(sleep), ..still.clone() };
    assert!(!settled([still, sleeps], true));
}

#[test]
fn all_processes_that_have_the_other_end_are_named() {
    let all = vec![
        waits(0, "a", Needs::Between(Between::Bytes(5))),
        of_process(2, waits(0, "b", Needs::Between(Between::Bytes(5)))),
    ];
    let others = Others { complete: [2].into(), are_all: true, openers: [((5, true), vec![process::id(), 2])].into() };
    let lanes = Lanes::of(all, STILL, true, others);
    let step = lanes.step(0, None);
    let ends = format!(", whose writing end is open only in {} and b", program_name());
    assert!(step.ends_with(&ends), "{step}");
}

#[test]
fn the_owners_of_ends_have_the_order_of_their_names() {
    let all = vec![waits(0, "c", Needs::Notification), waits(1, "a", Needs::Notification)];
    let lanes = Lanes::of(all, STILL, true, Others::default());
    assert_eq!(lanes.owners(&[EndState::owned_by(0), EndState::owned_by(1)], true), Some(vec![1, 0]));
}

#[test]
fn polls_in_a_circle_end() {
    let all = [task(0, "a", Some(1)), task(1, "b", Some(0))];
    assert_eq!(stuck(&all), NONE);
}
