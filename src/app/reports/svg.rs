//! Drawings of a run, inside the page: phases on one axis of time, checkpoints before and after,
//! every run of a failure as a dot. Text and shapes only, no script, nothing loaded.

use crate::app::break_report::title;
use flinklab_base::text::xml as escaped;
use flinklab_base::units;
use flinklab_event::{LeaseEnd, PhaseName, RunResult};
use flinklab_model::{Distribution, counts};

/// Width of a drawing, in its own units.
const WIDTH: f64 = 860.0;
/// Where the axis of time begins.
const LEFT: f64 = 150.0;
/// Where it ends.
const RIGHT: f64 = 780.0;
/// Height of a row.
const ROW: f64 = 24.0;

/// Places on an axis of time.
struct Axis {
    from: f64,
    to: f64,
}

#[expect(clippy::cast_precision_loss)] // milliseconds of a lab fit a float
fn float(ms: i64) -> f64 {
    ms as f64
}

impl Axis {
    fn x(&self, ms: i64) -> f64 {
        let part = (float(ms) - self.from) / (self.to - self.from).max(1.0);
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// Lines at round seconds, with their words below.
    fn ticks(&self, height: f64) -> String {
        let span = (self.to - self.from) / 1000.0;
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];
        let step = steps
            .into_iter()
            .find(|step| span / step <= 9.0)
            .unwrap_or(300.0);
        let mut at = (self.from / 1000.0 / step).ceil() * step;
        let mut text = String::new();
        while at * 1000.0 <= self.to {
            let x =
                LEFT + (at * 1000.0 - self.from) / (self.to - self.from).max(1.0) * (RIGHT - LEFT);
            text.push_str(&format!(
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"8\" x2=\"{x:.1}\" y2=\"{height:.0}\"/>\
                 <text class=\"muted\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{at:.0} s</text>\n",
                height + 16.0
            ));
            at += step;
        }
        text
    }
}

fn framed(height: f64, label: &str, inside: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{}\">\n{inside}</svg>\n",
        escaped(label)
    )
}

/// The phases of a run, one row each; each bar begins where the one before ended.
pub(super) fn timeline(run: &RunResult) -> String {
    let last = run.phases.iter().map(|phase| phase.ms).max().unwrap_or(0);
    let axis = Axis {
        from: 0.0,
        to: float(last.max(1000)) * 1.02,
    };
    let rows = f64::from(u32::try_from(run.phases.len()).unwrap_or(20));
    let bottom = 12.0 + rows * ROW;
    let mut text = axis.ticks(bottom);
    for held in &run.record.held_back {
        let (from, to) = (axis.x(held.from_ms), axis.x(held.to_ms));
        text.push_str(&format!(
            "<rect class=\"held\" x=\"{from:.1}\" y=\"8\" width=\"{:.1}\" height=\"{:.0}\"><title>{} held back by Kubernetes</title></rect>\n",
            (to - from).max(1.0),
            bottom - 8.0,
            escaped(&held.pod)
        ));
    }
    let mut before = 0;
    let mut y = 12.0;
    for phase in &run.phases {
        let from = axis.x(before.min(phase.ms));
        let to = axis.x(phase.ms);
        let class = match phase.name {
            PhaseName::TasksRunning => "bar recovery",
            PhaseName::Sent | PhaseName::Undone => "bar mark",
            _ => "bar",
        };
        text.push_str(&format!(
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.0}\" rx=\"2\">\
             <title>{}, ± {} ms, {}</title></rect>\
             <text class=\"muted\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            LEFT - 10.0,
            y + 15.0,
            escaped(title(phase.name)),
            y + 4.0,
            (to - from).max(3.0),
            ROW - 8.0,
            escaped(&units::tenths(phase.ms)),
            phase.resolution_ms,
            escaped(&phase.observer),
            to + 8.0,
            y + 15.0,
            escaped(&units::tenths(phase.ms)),
        ));
        before = before.max(phase.ms);
        y += ROW;
    }
    framed(bottom + 24.0, &format!("Timeline of {}", run.run), &text)
}

/// Checkpoints before and after the break: as high as each took long.
pub(super) fn checkpoints(run: &RunResult) -> Option<String> {
    let since = |at: jiff::Timestamp| {
        i64::try_from(at.duration_since(run.at).as_millis()).unwrap_or(i64::MAX)
    };
    let beats = &run.record.checkpoints;
    let first = since(beats.first()?.at).min(-1000);
    let last = since(beats.last()?.at).max(run.record.until_ms).max(1000);
    let axis = Axis {
        from: float(first) - 500.0,
        to: float(last) + 500.0,
    };
    let (top, bottom) = (28.0, 150.0);
    let most = beats
        .iter()
        .filter_map(|beat| beat.took_ms)
        .max()
        .unwrap_or(1)
        .max(1);
    let mut text = axis.ticks(bottom);
    let mark = |ms: i64, class: &str, words: &str| {
        let x = axis.x(ms);
        format!(
            "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"18\" x2=\"{x:.1}\" y2=\"{bottom:.0}\"/>\
             <text class=\"{class}\" x=\"{x:.1}\" y=\"14\" text-anchor=\"middle\">{}</text>\n",
            escaped(words)
        )
    };
    if let Some(ms) = run.recovery_ms {
        text.push_str(&format!(
            "<rect class=\"gap\" x=\"{:.1}\" y=\"18\" width=\"{:.1}\" height=\"{:.0}\"/>\n",
            axis.x(0),
            axis.x(ms) - axis.x(0),
            bottom - 18.0
        ));
    }
    text.push_str(&mark(0, "broken", "break"));
    if let Some((id, ms)) = run.record.restores.last() {
        text.push_str(&mark(*ms, "restored", &format!("restored #{id}")));
    }
    for beat in beats {
        let x = axis.x(since(beat.at));
        let part = beat.took_ms.map_or(0.3, |ms| {
            float(i64::try_from(ms).unwrap_or(0)) / float(i64::try_from(most).unwrap_or(1))
        });
        let height = (part * (bottom - top)).max(4.0);
        let (class, words) = if beat.failed {
            ("bar lost", "given up".to_owned())
        } else {
            (
                "bar",
                beat.took_ms
                    .map_or_else(|| "complete".to_owned(), |ms| format!("took {ms} ms")),
            )
        };
        text.push_str(&format!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"{height:.1}\" rx=\"1\"><title>#{} {words}, {}</title></rect>\n",
            x - 2.5,
            bottom - height,
            beat.id,
            escaped(&units::tenths(since(beat.at))),
        ));
    }
    text.push_str(&format!(
        "<text class=\"muted\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{most} ms</text>\
         <text class=\"muted\" x=\"{:.0}\" y=\"{bottom:.0}\" text-anchor=\"end\">0</text>\n",
        LEFT - 10.0,
        top + 8.0,
        LEFT - 10.0
    ));
    Some(framed(
        bottom + 26.0,
        &format!("Checkpoints around {}", run.run),
        &text,
    ))
}

/// Every run of each failure as a dot, filled where the lease was given back.
pub(super) fn strips(groups: &[Distribution<'_>]) -> Option<String> {
    let longest = groups.iter().filter_map(|group| group.recovery.as_ref());
    let longest = longest.map(|spread| spread.max).max()?;
    let axis = Axis {
        from: 0.0,
        to: float(longest.max(1000)) * 1.05,
    };
    let rows = f64::from(u32::try_from(groups.len()).unwrap_or(20));
    let bottom = 12.0 + rows * ROW;
    let mut text = axis.ticks(bottom);
    let mut y = 12.0;
    for group in groups {
        text.push_str(&format!(
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 10.0,
            y + 15.0,
            escaped(&group.failure)
        ));
        for run in &group.runs {
            let Some(ms) = run.recovery_ms.filter(|_| counts(run)) else {
                continue;
            };
            let class = match run.record.lease {
                Some(LeaseEnd::Released) => "dot released",
                _ => "dot",
            };
            text.push_str(&format!(
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\"><title>{}: {}{}</title></circle>\n",
                axis.x(ms),
                y + ROW / 2.0,
                escaped(&run.run),
                escaped(&units::tenths(ms)),
                run.record.lease.map_or_else(String::new, |end| format!(", lease {}", end.words())),
            ));
        }
        y += ROW;
    }
    Some(framed(bottom + 24.0, "Recovery time of every run", &text))
}
