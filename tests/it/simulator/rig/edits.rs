//! Documents that people change while everything runs.
//!
//! Not here: reading them. Invariant: what a person writes is valid; that bad documents change nothing is the loader's.

use tminus::core::decide::Order;

use super::draw::Draw;
use super::options::ITEMS;
use super::run::Sim;
use super::script::Edit;
use super::world::name;

impl Sim {
    /// Somebody edits a document.
    pub fn edit(&mut self, (what, of): (Edit, u64), draw: u64) {
        let mut draw = Draw::of(self.options.seed, "edit", draw);
        let number = of as usize % self.options.releases.len();
        let named = self.options.releases[number].name.clone();
        match what {
            Edit::Slip => {
                let minutes = draw.between(-60, 180);
                let release = &mut self.options.releases[number];
                // Nobody plans a launch for after the world is mended: it has to end in time.
                release.launch_min = (release.launch_min + minutes).clamp(30, 33 * 60);
                self.tally.hit("a date slipped");
                self.note(|| format!("T-0 of {named} slips by {minutes} minutes"));
            }
            Edit::Steps => self.edit_steps(number, &mut draw),
            Edit::Items => {
                let items = ITEMS.into_iter().filter(|_| draw.chance(40)).collect();
                self.note(|| format!("the checklist of {named} is now {items:?}"));
                self.options.releases[number].items = items;
                self.tally.hit("a checklist was changed");
            }
            Edit::Throttle => {
                self.options.throttle = (*draw.pick(&[0, 20, 80]), draw.chance(50).then(|| *draw.pick(&[0, 30, 100])));
                let throttle = self.options.throttle;
                self.note(|| format!("the throttle's percents are now {throttle:?}"));
                self.tally.hit("a throttle policy was changed");
            }
            Edit::Remove => {
                if self.removed.remove(&number) {
                    self.note(|| format!("the document of {named} is back"));
                } else {
                    self.removed.insert(number);
                    self.note(|| format!("the document of {named} is taken away"));
                    self.tally.hit("a release was taken away");
                }
            }
            Edit::Apply => self.note(|| format!("somebody applies {named}")),
        }
        self.reload();
        if draw.chance(30) || what == Edit::Apply {
            let by = draw.word(&["ann operator sre", "bob operator releng", "dee operator qa"]);
            self.give(by, Order::Applied { releases: vec![name(&named)] });
        }
    }

    fn edit_steps(&mut self, number: usize, draw: &mut Draw) {
        let release = &mut self.options.releases[number];
        let last = release.steps.len() - 1;
        let mut least = 0;
        for (percent, dwell) in &mut release.steps[..last] {
            *percent = (i64::from(*percent) + draw.between(-4, 8)).clamp(least + 1, 90) as u32;
            *dwell = (*dwell + draw.between(-5, 10)).max(0);
            least = i64::from(*percent);
        }
        let (name, steps) = (release.name.clone(), release.steps.clone());
        self.note(|| format!("the steps of {name} are now {steps:?}"));
        self.tally.hit("steps were changed");
    }
}
