//! One place that runs plans: the engine, and the figures of what it did.

use crate::missing::AllMissing;
use crate::spill::OnDisk;
use crate::units::Units;
use craton_core::{Block, Error, Result, Sink};
use craton_exec::{Control, Engine, Metrics, StageCost};
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
    units: Units,
    all_missing: AllMissing,
    allows_empty: bool,
    stores: Option<StoreSettings>,
}

impl Session {
    /// A session with `threads` (all cores if `None`) and a budget of `memory` bytes (half of what is
    /// available if `None`).
    #[must_use]
    pub fn new(threads: Option<usize>, memory: Option<u64>) -> Self {
        Self {
            engine: Engine::new(threads, memory).spilling(Arc::new(OnDisk)),
            control: Arc::new(Control::default()),
            units: Units::default(),
            all_missing: AllMissing::default(),
            allows_empty: false,
            stores: None,
        }
    }

    /// The same session, in which slices may take nothing; it is an error otherwise.
    #[must_use]
    pub fn allowing_empty(self, allows_empty: bool) -> Self {
        Self {
            allows_empty,
            ..self
        }
    }

    /// Whether slices may take nothing.
    #[must_use]
    pub fn allows_empty(&self) -> bool {
        self.allows_empty
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

    /// The units of what was opened.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// How many values the result of `node` had, if it was computed and every one of them is missing.
    #[must_use]
    pub fn all_missing(&self, node: &NodeRef) -> Option<u64> {
        self.all_missing.count(node.hash())
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

    /// What computing nodes together will read and hold, stage by stage; nothing is read to tell.
    ///
    /// # Errors
    /// What planning refuses.
    pub fn costs(&self, nodes: &[NodeRef]) -> Result<Vec<StageCost>> {
        let outputs: Vec<_> = nodes
            .iter()
            .map(|node| (node.clone(), Target::Keep))
            .collect();
        let pipelines = self.plan(&outputs)?;
        let stages = pipelines.stages.iter();
        Ok(stages
            .map(|stage| self.engine.cost(stage, &pipelines.slots))
            .collect())
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
        let blocks = blocks
            .into_iter()
            .map(|block| block.ok_or_else(|| Error::internal("a kept output has no block")))
            .collect::<Result<Vec<Block>>>()?;
        for (node, block) in nodes.iter().zip(&blocks) {
            self.all_missing.note(node.hash(), block);
        }
        Ok(blocks)
    }

    /// Computes nodes together, each into its sink.
    ///
    /// # Errors
    /// As [`Session::compute`], and what the sinks report.
    pub fn write(&self, outputs: &[(NodeRef, Arc<dyn Sink>)]) -> Result<()> {
        let outputs: Vec<_> = outputs
            .iter()
            .map(|(node, sink)| {
                let sink = self
                    .all_missing
                    .watch(node.hash(), node.dtype(), sink.clone());
                (node.clone(), Target::Write(sink))
            })
            .collect();
        self.engine
            .run(&self.plan(&outputs)?, &self.control)
            .map(drop)
    }
}
