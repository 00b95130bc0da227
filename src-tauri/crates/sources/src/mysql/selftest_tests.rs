//! What each finding says, and that its hint holds the command that fixes it.
