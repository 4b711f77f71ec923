//! A simulated node, as far as the doubles of scripts need one.

use futures::future::BoxFuture;

/// How a double ends: with an exit code.
pub type Simulated<'a> = BoxFuture<'a, i64>;

/// What can be sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGSTOP
    Stop,
    /// SIGCONT
    Continue,
}

/// A node of the simulation, from inside.
pub trait SimNode: Send + Sync {
    /// Writes a line to stdout.
    fn out(&self, line: &str);

    /// Writes a line to stderr.
    fn err(&self, line: &str);

    /// Writes a word and the time to stdout, as the scripts stamp what they do.
    fn stamp(&self, word: &str);

    /// Waits some time between the two, in seconds.
    fn wait(&self, least: f64, most: f64) -> BoxFuture<'_, ()>;

    /// Whether the process with that number and start runs.
    fn runs(&self, pid: &str, start: &str) -> bool;

    /// Signals the process with that number and start; false: it is another one.
    fn signal(&self, pid: &str, start: &str, signal: Signal) -> bool;

    /// Drops what a pod with that address sends and gets, by rules with that mark.
    fn drop_packets(&self, mark: &str, address: &str);

    /// How many packets met the rules with that mark.
    fn dropped(&self, mark: &str) -> u64;

    /// Takes the rules with that mark out.
    fn pass_packets(&self, mark: &str);

    /// Makes an empty file.
    fn write(&self, path: &str);

    /// Whether there is such a file.
    fn has(&self, path: &str) -> bool;

    /// Removes a file; whether there was one.
    fn remove(&self, path: &str) -> bool;

    /// The API server stops answering.
    fn stop_api_server(&self);

    /// The API server answers again, some time between the two later, in seconds.
    fn start_api_server(&self, least: f64, most: f64);

    /// The shared folder, which the node has there; else the code that the script ends with.
    fn shared(&self, mount: &str) -> Result<Box<dyn SharedFolder + '_>, i64>;
}

/// The shared folder of a simulated node. Paths are those below it; a link on the way is named and
/// not followed, and ends the script with the code in the error.
pub trait SharedFolder: Send {
    /// Whether there is such a folder.
    fn is_there(&self, folder: &str) -> Result<bool, i64>;

    /// The mode of a folder.
    fn mode(&self, folder: &str) -> Result<u32, i64>;

    /// Sets the mode of a folder.
    fn set_mode(&self, folder: &str, mode: u32) -> Result<(), i64>;

    /// All names in a folder.
    fn names(&self, folder: &str) -> Result<Vec<String>, i64>;

    /// The names of plain files in a folder.
    fn files(&self, folder: &str) -> Result<Vec<String>, i64>;

    /// Moves a file from one folder to another, which is made if it is missing. False: there is one
    /// of that name, and nothing is done.
    fn rename(&self, name: &str, from: &str, to: &str) -> Result<bool, i64>;

    /// Removes a folder with all that is in it.
    fn remove(&self, folder: &str) -> Result<(), i64>;
}
