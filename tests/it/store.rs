//! The store from the outside.
