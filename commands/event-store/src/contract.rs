//! The promises of the port as tests that every adapter runs: E1 to E13, each as one or more sentences. What only some adapters can
//! promise (dense positions, a full disk, a killed process) is tested beside those adapters.
//!
//! To add a case: write it as a `pub async fn` in the file of its subject and name it in the list of [`event_store_contract!`].

mod given;
mod identity;
mod limits;
mod racing;
mod reading;
mod repeating;
mod tailing;
mod writing;

pub use self::{identity::*, limits::*, racing::*, reading::*, repeating::*, tailing::*, writing::*};

use std::sync::Arc;

use crate::EventLog;

/// How the suite gets at an adapter's logs.
#[async_trait::async_trait]
pub trait Harness: Send {
    /// A new, empty log.
    async fn open(&mut self) -> Arc<dyn EventLog>;

    /// The same log as a process finds it that starts anew. An adapter that keeps nothing beyond its process returns `log` itself.
    async fn reopen(&mut self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog>;

    /// The newest log as a process finds it that starts anew, after the payload of the event at `position` was changed behind its back.
    async fn damage(&mut self, log: Arc<dyn EventLog>, position: u64) -> Arc<dyn EventLog>;
}

/// One test for each case and adapter: `event_store_contract! { memory => MemoryHarness::default(), sqlite => .. }`.
#[macro_export]
macro_rules! event_store_contract {
    ($($adapter:ident => $harness:expr),+ $(,)?) => {$(
        mod $adapter {
            #[allow(unused_imports)]
            use super::*;

            $crate::contract_cases! { $harness;
                a_batch_is_all_or_nothing
                a_reader_never_sees_part_of_a_batch
                revisions_have_no_hole
                read_all_agrees_with_every_stream_order
                no_late_arrival
                acknowledged_means_visible
                same_event_ids_return_the_original_result
                same_event_ids_return_the_original_result_after_reopening
                the_same_append_many_times_at_once_is_written_once
                the_same_append_twice_in_one_call_is_written_once
                a_repetition_is_known_by_its_first_event
                same_id_with_another_intent_is_refused
                same_id_with_another_intent_is_refused_after_reopening
                an_id_from_the_middle_of_an_append_begins_no_other
                bytes_come_back_identical
                of_racing_exact_appends_exactly_one_wins
                an_append_without_expectation_loses_nothing
                stale_revision_is_a_conflict_and_writes_nothing
                one_conflict_among_many_streams_harms_no_other
                several_appends_to_one_stream_in_one_call
                racing_writers_never_reorder_the_log
                reopening_keeps_everything
                the_log_has_one_identity_for_ever
                the_head_is_the_newest_position
                pages_have_no_seam
                a_damaged_event_is_named_and_holds_up_no_other_stream
                pages_and_tails_go_past_a_damaged_event
                a_stream_that_was_never_written_is_empty
                tail_delivers_every_event_once_in_order
                tail_from_the_middle_begins_there
                tail_that_falls_behind_misses_nothing
                an_oversized_append_is_refused
                the_largest_append_is_taken
                an_append_without_events_writes_nothing
            }
        }
    )+};
}

#[doc(hidden)]
#[macro_export]
macro_rules! contract_cases {
    ($harness:expr; $($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let mut harness = $harness;
            $crate::contract::$case(&mut harness).await;
        }
    )+};
}
