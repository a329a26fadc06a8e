//! The one integration binary: behaviour from the outside, by room.
#![allow(missing_docs)]

mod groups;
mod lab;
