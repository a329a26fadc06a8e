//! The form of a scenario: `> ` begins a command, the lines below it are its golden output, `#` and empty lines are prose.
//!
//! Prose stands before commands and never inside an output, so that a scenario reads as a story.
//! Invariant: written with the outputs it was read with, a script is the same text.

/// A scenario as text.
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// Prose after the last output.
    ending: Vec<String>,
}

/// A command with what stands around it.
#[derive(Default)]
pub(super) struct Step {
    prose: Vec<String>,
    /// The number of the command's line, from 1.
    pub(super) line: usize,
    pub(super) command: String,
    pub(super) golden: Vec<String>,
}

impl Script {
    /// Reads a script. Output that stands before any command, or after prose, belongs to nothing.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut steps, mut prose) = (Vec::<Step>::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if let Some(command) = line.strip_prefix("> ") {
                let prose = std::mem::take(&mut prose);
                steps.push(Step { prose, line: number, command: command.trim_end().into(), golden: Vec::new() });
            } else if line.is_empty() || line.starts_with('#') {
                prose.push(line.to_owned());
            } else {
                let step = steps.last_mut().filter(|_| prose.is_empty());
                step.ok_or(format!("line {number} is the output of no command"))?.golden.push(line.to_owned());
            }
        }
        Ok(Self { steps, ending: prose })
    }

    /// The text with other outputs.
    pub(super) fn with_outputs(&self, outputs: &[Vec<String>]) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (step, output) in self.steps.iter().zip(outputs) {
            lines.extend(step.prose.iter().cloned());
            lines.push(format!("> {}", step.command));
            lines.extend(output.iter().cloned());
        }
        lines.extend(self.ending.iter().cloned());
        lines.join("\n") + "\n"
    }
}

#[test]
fn a_script_is_written_as_it_was_read() {
    let text = "# story\n\n> load a\n> run\nT-1m  x\n      y\n\n# more\n> at T+1m\n\n# end\n";
    let script = Script::read(text).unwrap();
    let outputs: Vec<_> = script.steps.iter().map(|step| step.golden.clone()).collect();
    assert_eq!(script.with_outputs(&outputs), text);
    assert_eq!(script.steps[1].golden, ["T-1m  x", "      y"]);
    assert_eq!((script.steps[2].line, script.steps[2].command.as_str()), (9, "at T+1m"));
}

#[test]
fn an_output_of_nothing_is_refused() {
    for text in ["lost\n> load a\n", "> load a\n\n# prose\nlost\n"] {
        assert!(Script::read(text).is_err(), "{text:?}");
    }
}
