//! One place that runs plans: the engine, and the figures of what it did.

use craton_core::{Block, Error, Result, Sink};
use craton_exec::{Control, Engine, Metrics};
use craton_plan::NodeRef;
use craton_plan::physical::{Output, Pipelines, Target, lower};
use craton_plan::rules::optimise;
use craton_store::StoreSettings;
use std::sync::Arc;

/// An engine and its control.
#[derive(Debug)]
pub struct Session {
    engine: Engine,
    control: Arc<Control>,
    stores: Option<StoreSettings>,
}

impl Session {
    /// A session with `threads` (all cores if `None`) and a budget of `memory` bytes (half of what is
    /// available if `None`).
    #[must_use]
    pub fn new(threads: Option<usize>, memory: Option<u64>) -> Self {
        Self {
            engine: Engine::new(threads, memory),
            control: Arc::new(Control::default()),
            stores: None,
        }
    }

    /// With settings for the stores behind URLs.
    #[must_use]
    pub fn with_stores(mut self, stores: StoreSettings) -> Self {
        self.stores = Some(stores);
        self
    }

    /// Settings for the stores behind URLs: those of the session, else those of the process.
    ///
    /// # Errors
    /// As [`StoreSettings::current`].
    pub fn stores(&self) -> Result<StoreSettings> {
        self.stores.clone().map_or_else(StoreSettings::current, Ok)
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Stops the work from another thread.
    #[must_use]
    pub fn control(&self) -> Arc<Control> {
        self.control.clone()
    }

    /// What was read, decoded and written so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.control.metrics()
    }

    /// The pipelines of some outputs, after all rules.
    ///
    /// # Errors
    /// What planning refuses.
    pub fn plan(&self, outputs: &[(NodeRef, Target)]) -> Result<Pipelines> {
        let _span = tracing::debug_span!("plan", outputs = outputs.len()).entered();
        let optimised = outputs.iter().map(|(node, target)| {
            Ok(Output {
                node: optimise(node)?.0,
                target: target.clone(),
            })
        });
        lower(&optimised.collect::<Result<Vec<_>>>()?)
    }

    /// Computes nodes together, sharing scans; one block each.
    ///
    /// # Errors
    /// What planning refuses, reading and computing report.
    pub fn compute(&self, nodes: &[NodeRef]) -> Result<Vec<Block>> {
        let outputs: Vec<_> = nodes
            .iter()
            .map(|node| (node.clone(), Target::Keep))
            .collect();
        let pipelines = self.plan(&outputs)?;
        let blocks = self.engine.run(&pipelines, &self.control)?;
        blocks
            .into_iter()
            .map(|block| block.ok_or_else(|| Error::internal("a kept output has no block")))
            .collect()
    }

    /// Computes nodes together, each into its sink.
    ///
    /// # Errors
    /// As [`Session::compute`], and what the sinks report.
    pub fn write(&self, outputs: &[(NodeRef, Arc<dyn Sink>)]) -> Result<()> {
        let outputs: Vec<_> = outputs
            .iter()
            .map(|(node, sink)| (node.clone(), Target::Write(sink.clone())))
            .collect();
        self.engine
            .run(&self.plan(&outputs)?, &self.control)
            .map(drop)
    }
}
