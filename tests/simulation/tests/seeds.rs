//! A few short stories, and those of the faults that the simulation found: each by its seed.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what the tests share is outside of `#[test]` functions"
)]

use simulation::plan::Plan;
use simulation::run;

/// Tells the stories of these seeds; no violation may be in them.
fn sound(plan: Plan, seeds: impl IntoIterator<Item = u64>) {
    for seed in seeds {
        println!("SEED={seed}: simulate --seed {seed} --days {} --faults {}", plan.days, plan.faults);
        let played = run::tell(seed, plan).unwrap();
        let story = played.story.join("\n");
        assert_eq!(played.totals.violations, [], "{story}");
        assert!(played.totals.exchanges > 0, "{story}");
    }
}

#[test]
fn nothing_is_lost_or_kept_too_long_in_a_few_short_stories() {
    sound(Plan::daily(20, 0), [2]);
    sound(Plan::daily(30, 150), 100..103);
}

#[test]
fn a_period_ends_on_its_day_where_the_workstation_is_rarely_on() {
    // Fourteen months at the vendor, by the policy of this seed.
    sound(Plan { works: 8, ..Plan::daily(480, 10) }, [1]);
}

#[test]
fn an_erasure_that_a_kill_cuts_is_no_damage() {
    // The kill came when a spent key was overwritten and not removed yet: the next start set it aside as damaged.
    sound(Plan { works: 6, ..Plan::daily(160, 20) }, [2]);
}

#[test]
fn each_request_to_erase_counts_after_the_vendors_backup() {
    // Three requests, and a backup of before them: the device says them again, and the oldest is the first to be due.
    sound(Plan::daily(100, 300), [3]);
}

#[test]
fn a_seed_tells_the_same_story_again() {
    let plan = Plan::daily(20, 200);
    let played = || run::tell(7, plan).unwrap();
    let (first, second) = (played(), played());
    assert_eq!(first.story, second.story);
    assert_eq!((first.totals.said, first.totals.came), (second.totals.said, second.totals.came));
}

#[test]
fn an_erasure_leaves_what_came_under_a_later_yes() {
    // Found by seed 8 as its story was then: erased with the rest fourteen days after the request, although the clinic had said yes again.
    sound(Plan::daily(25, 100), [8]);
}

#[test]
fn a_release_is_not_lost_with_the_vendors_backup() {
    // Found by seed 16 as its story was then: the restored vendor knew the request to restrict and not the one to release, and hid everything.
    sound(Plan::daily(120, 100), [16]);
}

#[test]
fn an_erasure_is_not_lost_with_the_vendors_backup() {
    // The restored vendor did not know the ticket, and the device never said it again.
    sound(Plan::daily(60, 100), [49]);
}

#[test]
fn a_withdrawal_is_not_lost_with_the_answer_that_shows_the_vendors_loss() {
    // The restored vendor got the yes to a case first. Its answer, which shows that the withdrawal before it is missing, was
    // lost on the line, and to the repeated yes it said only that it knew it.
    sound(Plan { works: 60, ..Plan::daily(205, 60) }, [2]);
}

#[test]
fn a_withdrawal_below_a_newer_line_is_not_lost_with_the_vendors_backup() {
    // The restored vendor got a restriction first, and the withdrawal before it was not repeated.
    sound(Plan::daily(50, 100), [63]);
}

#[test]
fn a_release_that_the_disk_cut_in_half_is_said_again() {
    // The ledger had it, and the answer was an error: the disk failed behind that.
    sound(Plan::daily(60, 500), [4]);
}

#[test]
fn a_later_yes_is_not_erased_with_what_was_asked_before_it() {
    // The request to erase waited for another try, and what was said under the next yes went before it: the erasure reached it.
    sound(Plan::daily(57, 3000), [20_261_201_001]);
}

#[test]
fn what_was_sent_before_a_withdrawal_may_leave_the_outbox_after_it() {
    // The disk failed between the queues and the removal of the file, and the clinic restricted and withdrew before the next
    // look: the model took that for events that were taken in without a yes.
    sound(Plan::daily(16, 3000), [5165, 5276]);
}

#[test]
fn a_bundle_that_is_lost_the_night_after_it_came_was_there() {
    // The oracle had not looked since: it had the bundle at the workstation, which rightly said that it was delivered.
    sound(Plan { works: 30, ..Plan::daily(250, 100) }, [718]);
}
