//! Simulated days through the pure core, with golden transcripts: the stories that tminus was made for.
//!
//! A scenario is a text file in `tests/scenarios/`. [`script`] is its form, [`words`] reads a command, [`stage`] carries
//! commands out on a virtual clock, [`world`] is what the core sees and acts on ([`group`], [`cache`], [`traffic`] are
//! its parts), [`show`] writes what people would see, [`difference`] compares it with the file, [`play`] runs all of
//! them. Every decision passes the checker, is made twice, and has to come to rest.
//! Not here: the shell; a scenario has no sockets, no sleeping, and no time but the script's.
//!
//! Commands; `T` is a time such as `T-2h`, and an order ends with `by NAME: REASON`:
//! ```text
//! load FILE..  apply FILE.. by NAME        documents beside the scripts, or of the repository
//! person NAME ROLE..                       somebody who may give orders
//! clock RELEASE  at T  run until T every 1m
//! restart                                  read back what was decided, in the next epoch
//! group NAME floor= ceiling= boot= load_per_minute= swing=   group NAME silent|answers
//! cache POLICY objects= takes= again= reaches= fresh_for= problem=
//! traffic RELEASE per_minute= old_errors= new_errors= [silent]
//! probe ITEM green|red|unknown DETAIL      halt-file appears|goes
//! go|hold|resume|advance|promote|abort|clear|scrub RELEASE   sign-off RELEASE ITEM   waive RELEASE ITEM for 2d
//! halt|lift everything|APP [channel=|version=] [break-glass]
//! status RELEASE    upcoming POLICY
//! ask app= version= channel= [client=|clients=] [force=]     grid APP VERSION.. on CHANNEL..
//! ```

mod ask;
mod cache;
mod difference;
mod group;
mod order;
mod play;
mod script;
mod show;
mod stage;
mod status;
mod traffic;
mod upcoming;
mod words;
mod world;
