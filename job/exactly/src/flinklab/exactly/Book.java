package flinklab.exactly;

import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * What one task can say about its part of the state. The task writes, the thread of the metrics
 * reads: every call is locked, so that what is said is true of one moment.
 */
final class Book {
    private final OptionalLong restored;
    private final long began;
    private long counted;
    /** What was counted in the newest checkpoint that is known to be complete. */
    private long checkpointed;
    /** What was counted in those of which that is not known yet, by id. */
    private final NavigableMap<Long, Long> open = new TreeMap<>();
    /** Keys whose state was seen since the task began: count, due, gaps, duplicates. */
    private final Map<Long, long[]> keys = new HashMap<>();

    Book(OptionalLong restored, long began) {
        this.restored = restored;
        this.began = began;
        this.counted = began;
        this.checkpointed = began;
    }

    synchronized void counted(long key, Tally tally) {
        counted++;
        keys.put(
                key, new long[] {tally.count, tally.due(key), tally.gaps, tally.duplicates});
    }

    /** A checkpoint is taken; what was counted until then. */
    synchronized long snapshot(long checkpoint) {
        open.put(checkpoint, counted);
        return counted;
    }

    synchronized void completed(long checkpoint) {
        Long then = open.get(checkpoint);
        if (then != null) {
            checkpointed = then;
        }
        open.headMap(checkpoint, true).clear();
    }

    synchronized void aborted(long checkpoint) {
        open.remove(checkpoint);
    }

    /** All of it as JSON: a metric is one value, so that no two of them are of different moments. */
    synchronized String said(long now) {
        long[] sums = new long[4];
        for (long[] one : keys.values()) {
            for (int n = 0; n < sums.length; n++) {
                sums[n] += one[n];
            }
        }
        return "{\"at\":" + now
                + ",\"restored\":" + (restored.isPresent() ? restored.getAsLong() : "null")
                + ",\"began\":" + began
                + ",\"counted\":" + counted
                + ",\"checkpointed\":" + checkpointed
                + ",\"keys\":" + keys.size()
                + ",\"of\":" + Row.KEYS
                + ",\"held\":" + sums[0]
                + ",\"due\":" + sums[1]
                + ",\"gaps\":" + sums[2]
                + ",\"duplicates\":" + sums[3]
                + "}";
    }
}
