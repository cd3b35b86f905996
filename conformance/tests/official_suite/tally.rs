//! What became of every directive: nothing is left out without a name.

use std::collections::BTreeMap;
use std::fmt::Write;
use unfork_gas::RefusalCode;

/// What became of a directive or a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As the script says.
    Passed,
    /// As the script says, found by the parser of texts: there were no bytes to judge.
    PassedAsText,
    /// As the script says that it must be, but by the name of a proposal.
    PassedByProposal(&'static str),
    /// Not run, because a module it needs uses a proposal that is not admitted.
    Refused(&'static str),
    /// Otherwise than an old script says, as all worlds agree: see the list of such lines.
    Superseded(&'static str),
    /// Not run, because it is about something that no profile has.
    Unknown,
    /// Otherwise than the script says.
    Failed,
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Outcome::Passed => "passed".into(),
            Outcome::PassedAsText => "passed, refused as text".into(),
            Outcome::PassedByProposal(code) => format!("passed, refused as {code}"),
            Outcome::Refused(code) => format!("needs {code}"),
            Outcome::Superseded(reason) => (*reason).into(),
            Outcome::Unknown => "of a kind that no profile has".into(),
            Outcome::Failed => "FAILED".into(),
        }
    }

    fn is_pass(&self) -> bool {
        matches!(self, Outcome::Passed | Outcome::PassedAsText | Outcome::PassedByProposal(_))
    }
}

/// The counts of one version of the specification or one proposal.
#[derive(Default)]
pub struct Tally {
    files: usize,
    directives: BTreeMap<(&'static str, Outcome), u64>,
    modules: BTreeMap<String, u64>,
    under_forbid: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn new(files: usize) -> Self {
        Tally { files, ..Tally::default() }
    }

    pub fn directive(&mut self, name: &'static str, outcome: Outcome) {
        *self.directives.entry((name, outcome)).or_default() += 1;
    }

    /// A module that the script wants to be valid.
    pub fn module(&mut self, needs: Option<&'static str>) {
        let text = needs.map_or_else(|| "admitted".into(), |needs| format!("need {needs}"));
        *self.modules.entry(text).or_default() += 1;
    }

    /// The same module where floats are forbidden.
    pub fn under_forbid(&mut self, verdict: Result<(), RefusalCode>) {
        *self.under_forbid.entry(verdict.map_or_else(RefusalCode::name, |()| "admitted")).or_default() += 1;
    }

    fn assertions(&self, wanted: impl Fn(&Outcome) -> bool) -> u64 {
        let counts =
            self.directives.iter().filter(|((name, outcome), _)| name.starts_with("assert_") && wanted(outcome));
        counts.map(|(_, count)| count).sum()
    }

    /// Assertions that did not pass, for whatever reason.
    pub fn not_passed(&self) -> u64 {
        self.assertions(|outcome| !outcome.is_pass())
    }

    /// One line of the table.
    pub fn row(&self, title: &str) -> String {
        let modules: u64 = self.modules.values().sum();
        let admitted = self.modules.get("admitted").copied().unwrap_or(0);
        let (all, passed) = (self.assertions(|_| true), self.assertions(Outcome::is_pass));
        let mut needs: BTreeMap<String, u64> = BTreeMap::new();
        for ((name, outcome), count) in &self.directives {
            if name.starts_with("assert_") && !outcome.is_pass() {
                *needs.entry(outcome.text()).or_default() += count;
            }
        }
        let needs: Vec<String> = needs.iter().map(|(text, count)| format!("{count} {text}")).collect();
        let files = self.files;
        format!("{title:<38} {files:>5} {modules:>7} {admitted:>8} {all:>10} {passed:>7}  {}", needs.join(", "))
    }

    pub fn heading() -> String {
        format!(
            "{:<38} {:>5} {:>7} {:>8} {:>10} {:>7}  not passed",
            "official suite", "files", "modules", "admitted", "assertions", "passed"
        )
    }

    /// Every count, for the golden file.
    pub fn lines(&self, title: &str) -> String {
        let mut out = format!("{title}: {} files\n", self.files);
        for (text, count) in &self.modules {
            let _ = writeln!(out, "  {count:>6} valid modules {text}");
        }
        for (text, count) in &self.under_forbid {
            let _ = writeln!(out, "  {count:>6} of the admitted, where floats are forbidden: {text}");
        }
        for ((name, outcome), count) in &self.directives {
            let _ = writeln!(out, "  {count:>6} {name}: {}", outcome.text());
        }
        out
    }
}
