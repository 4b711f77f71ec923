package flinklab.exactly;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;

/** Gives the numbers of its rows out in turn, at its share of the rate. All calls come from one thread. */
final class Reader implements SourceReader<Long, Row> {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final int rate;
    private final Queue<Row> rows = new ArrayDeque<>();
    private CompletableFuture<Void> dealt = new CompletableFuture<>();
    /** When the next number may be given out. */
    private long due = System.nanoTime();

    Reader(int rate) {
        this.rate = rate;
    }

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<Long> output) {
        long now = System.nanoTime();
        if (rows.isEmpty() || now < due) {
            return InputStatus.NOTHING_AVAILABLE;
        }
        Row row = rows.remove();
        output.collect(row.next);
        rows.add(row.after());
        // What was missed in a pause is not made up for: a flood would hide what the pause did.
        due = Math.max(due + pause(), now - pause());
        return InputStatus.NOTHING_AVAILABLE;
    }

    /** Nanoseconds from one number to the next. */
    private long pause() {
        return SECOND * Row.ROWS / ((long) rate * rows.size());
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        if (rows.isEmpty()) {
            return dealt;
        }
        long wait = due - System.nanoTime();
        return wait <= 0
                ? CompletableFuture.completedFuture(null)
                : new CompletableFuture<Void>()
                        .completeOnTimeout(null, wait, TimeUnit.NANOSECONDS);
    }

    @Override
    public void addSplits(List<Row> more) {
        rows.addAll(more);
        dealt.complete(null);
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public List<Row> snapshotState(long checkpoint) {
        return List.copyOf(rows);
    }

    @Override
    public void close() {}
}
