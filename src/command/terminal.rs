//! What verbs of the client print: data in the form that was asked for, and the few colours of human output.
//!
//! Invariant: what others wrote (titles, reasons) never moves the cursor or hides text on a terminal.

use clap::Args;
use serde::Serialize;

use super::output::Output;

/// `-o`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Form {
    /// How data is printed; json is stable
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
}

impl Form {
    /// Prints data, by `human` where that was asked for.
    pub fn print<T: Serialize>(self, data: &T, human: impl FnOnce(&T) -> String) -> Result<(), String> {
        let text = self.output.render(data, human).map_err(|error| format!("the answer cannot be written: {error}"))?;
        anstream::println!("{}", text.trim_end());
        Ok(())
    }
}

/// Text of others, safe for a terminal: control characters and those that turn the direction become `?`.
pub fn plain(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|letter| if letter.is_control() || turns(letter) { '?' } else { letter }).collect()
}

/// A colour of human output; dropped where a terminal does not want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Good.
    Green,
    /// Waits.
    Yellow,
    /// Bad.
    Red,
    /// Beside the point.
    Grey,
    /// Stands out.
    Bold,
}

/// Paints a text.
pub fn paint(colour: Colour, text: &str) -> String {
    let code = match colour {
        Colour::Green => "32",
        Colour::Yellow => "33",
        Colour::Red => "31",
        Colour::Grey => "2",
        Colour::Bold => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_drive_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\u{202e}c\r\nd é"), "a?[2Jb?c??d é");
    }
}
