package flinklab.exactly;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** The numbers from 0 on, so many a second, for ever; each can be given out again. */
final class Numbers implements Source<Long, Row, List<Row>> {
    private static final long serialVersionUID = 1;

    private final int rate;

    Numbers(int rate) {
        this.rate = rate;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SourceReader<Long, Row> createReader(SourceReaderContext context) {
        return new Reader(rate);
    }

    @Override
    public SplitEnumerator<Row, List<Row>> createEnumerator(SplitEnumeratorContext<Row> context) {
        List<Row> all = new ArrayList<>();
        for (int index = 0; index < Row.ROWS; index++) {
            all.add(new Row(index, index));
        }
        return new Dealer(context, all);
    }

    @Override
    public SplitEnumerator<Row, List<Row>> restoreEnumerator(
            SplitEnumeratorContext<Row> context, List<Row> left) {
        return new Dealer(context, left);
    }

    @Override
    public SimpleVersionedSerializer<Row> getSplitSerializer() {
        return new Row.Format();
    }

    @Override
    public SimpleVersionedSerializer<List<Row>> getEnumeratorCheckpointSerializer() {
        return new Format();
    }

    /** Deals the rows out to the readers: each to the one that its index says. */
    private static final class Dealer implements SplitEnumerator<Row, List<Row>> {
        private final SplitEnumeratorContext<Row> context;
        /** Rows that no reader has. */
        private final List<Row> left;

        Dealer(SplitEnumeratorContext<Row> context, List<Row> left) {
            this.context = context;
            this.left = new ArrayList<>(left);
        }

        @Override
        public void start() {}

        @Override
        public void addReader(int reader) {
            for (Row row : List.copyOf(left)) {
                if (row.index % context.currentParallelism() == reader) {
                    left.remove(row);
                    context.assignSplit(row, reader);
                }
            }
        }

        @Override
        public void addSplitsBack(List<Row> rows, int reader) {
            left.addAll(rows);
        }

        @Override
        public void handleSplitRequest(int reader, String host) {
            // Every reader is given its rows when it comes.
        }

        @Override
        public List<Row> snapshotState(long checkpoint) {
            return List.copyOf(left);
        }

        @Override
        public void close() {}
    }

    /** The rows of a dealer, one after the other. */
    private static final class Format implements SimpleVersionedSerializer<List<Row>> {
        private static final Row.Format ROW = new Row.Format();

        @Override
        public int getVersion() {
            return ROW.getVersion();
        }

        @Override
        public byte[] serialize(List<Row> rows) {
            ByteBuffer buffer = ByteBuffer.allocate(rows.size() * Row.Format.BYTES);
            rows.forEach(row -> buffer.put(ROW.serialize(row)));
            return buffer.array();
        }

        @Override
        public List<Row> deserialize(int version, byte[] bytes) throws IOException {
            if (bytes.length % Row.Format.BYTES != 0) {
                throw new IOException("No rows of numbers: " + bytes.length + " bytes");
            }
            List<Row> rows = new ArrayList<>();
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                byte[] row = new byte[Row.Format.BYTES];
                buffer.get(row);
                rows.add(ROW.deserialize(version, row));
            }
            return rows;
        }
    }
}
