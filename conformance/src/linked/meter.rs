//! Linked instances on the reference meter.

use super::{Misfit, Source, spectest};
use crate::reference::host::Host;
use crate::reference::{Budget, Contents, End, Extern, Kind, Module, Report, Rules, Store, Value, call};

/// See [`super`]. A copy goes on by itself, so that one can look ahead.
#[derive(Clone)]
pub struct OnMeter<'m, 'a> {
    store: Store<'m, 'a>,
    spectest: Vec<(&'static str, Extern)>,
    /// By number; `None` for what was not made.
    instances: Vec<Option<usize>>,
    rules: Rules<'m>,
    host: Host,
}

impl<'m, 'a> OnMeter<'m, 'a> {
    /// A world with nothing but `spectest`.
    #[must_use]
    pub fn new(rules: Rules<'m>, host: Host) -> Self {
        let mut store = Store::default();
        let mut spectest = Vec::new();
        for ((name, params), number) in spectest::FUNCTIONS.iter().zip(0..) {
            spectest.push((*name, store.host_function(number, spectest::function_type(params))));
        }
        spectest.extend(spectest::GLOBALS.iter().map(|(name, value)| (*name, store.global(*value))));
        spectest.push(("table", store.table(spectest::TABLE.0, spectest::TABLE.1)));
        spectest.push(("memory", store.memory(spectest::MEMORY.0, spectest::MEMORY.1)));
        OnMeter { store, spectest, instances: Vec::new(), rules, host }
    }

    fn find(&self, source: Source, name: &str) -> Option<Extern> {
        match source {
            Source::Spectest => self.spectest.iter().find(|(other, _)| *other == name).map(|(_, found)| *found),
            Source::Instance(number) => self.store.export(self.instances[number]?, name),
        }
    }

    /// Makes an instance of a module that links, and calls its start function; what did not fit, too.
    ///
    /// # Panics
    /// When an import is not there or of another kind.
    pub fn instantiate(
        &mut self,
        module: &'m Module<'a>,
        sources: &[Source],
        budget: Budget,
    ) -> (Report, Option<Misfit>) {
        let imports: Vec<Extern> = module
            .import_names()
            .zip(sources)
            .map(|((_, name), source)| self.find(*source, name).expect("what links has its imports"))
            .collect();
        let (instance, filled) = self.store.instantiate(module, &imports);
        let report = match (filled, self.store.start(instance)) {
            (Err(misfit), _) => nothing_ran(End::Trapped(misfit.trap)),
            (Ok(()), None) => nothing_ran(End::Returned(Vec::new())),
            (Ok(()), Some(start)) => call(&mut self.store, self.rules, start, &[], budget, self.host),
        };
        self.instances.push(matches!(report.end, End::Returned(_)).then_some(instance));
        (report, filled.err())
    }

    /// Says that the other worlds did not make an instance, and that this one has not tried.
    pub fn leave_out(&mut self) {
        self.instances.push(None);
    }

    /// Calls an export.
    ///
    /// # Panics
    /// When there is no such function.
    pub fn invoke(&mut self, instance: usize, name: &str, arguments: &[Value], budget: Budget) -> Report {
        let Some(Extern::Function(function)) = self.find(Source::Instance(instance), name) else {
            panic!("{name} is no exported function");
        };
        call(&mut self.store, self.rules, function, arguments, budget, self.host)
    }

    /// The value of an exported global.
    #[must_use]
    pub fn get(&self, instance: usize, name: &str) -> Option<Value> {
        match self.find(Source::Instance(instance), name)? {
            Extern::Global(global) => Some(self.store.value(global)),
            _ => None,
        }
    }

    /// What an instance holds; `None` where it was not made.
    #[must_use]
    pub fn contents(&self, instance: usize) -> Option<Contents<'_>> {
        Some(self.store.contents(self.instances[instance]?))
    }
}

fn nothing_ran(end: End) -> Report {
    let executed = vec![0; Kind::ALL.len()];
    Report { end, gas: 0, events: Vec::new(), checkpoints: Vec::new(), stack_taken: 0, executed }
}
