//! What the clocks of the zone do around one fire, for people who wonder why it is then.
//!
//! Invariant: most fires have nothing to note.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;

use super::schedule::{Schedule, changes_after, just_before, offset_before};

impl Schedule {
    /// Why this fire is not simply at its time: a sentence, where the clocks skip or repeat it.
    pub fn note(&self, fire: Timestamp) -> Option<String> {
        self.moved(fire).or_else(|| self.repeated(fire))
    }

    /// The times that were skipped by the change of clocks at this instant, and run now.
    fn moved(&self, fire: Timestamp) -> Option<String> {
        changes_after(self.zone(), just_before(fire)).next().filter(|change| *change == fire)?;
        let (from, to) = (offset_before(self.zone(), fire).to_datetime(fire), self.zone().to_datetime(fire));
        let skipped = self.line().at_or_after(from).filter(|time| self.line().is_fixed() && *time < to)?;
        let same_day = skipped.date() == to.date();
        let shown = |time: DateTime| time.strftime(if same_day { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string();
        Some(format!("{} does not exist: the clocks go from {} to {}", shown(skipped), shown(from), shown(to)))
    }

    fn repeated(&self, fire: Timestamp) -> Option<String> {
        let offset = self.zone().to_offset(fire);
        let shown = offset.to_datetime(fire);
        let AmbiguousOffset::Fold { before, .. } = self.zone().to_ambiguous_timestamp(shown).offset() else { return None };
        let time = shown.strftime("%H:%M");
        Some(match (before == offset, self.line().is_fixed()) {
            (true, true) => format!("{time} comes twice: it runs at the first alone"),
            (true, false) => format!("the first {time} of two"),
            (false, _) => format!("the second {time} of two"),
        })
    }
}
