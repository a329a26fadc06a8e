//! The daemon killed at every step of the journal while it launches on an Auto Scaling group.
