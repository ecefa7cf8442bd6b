//! What may go wrong around the process: kills at any moment, requests to stop, disks that fail or fill up.
//! Each test has a server of its own and a ledger of what it was promised.

mod broken_disk;
mod full_disk;
mod kills;
mod ledger;
mod lost_files;
mod shim;
mod stopping;
