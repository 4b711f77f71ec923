package flinklab.exactly;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * A part of the numbers: every {@link #ROWS}th from its own on, and which of them comes next. All
 * numbers of a key are in the same row, so they arrive in order, whichever task reads the row.
 */
public final class Row implements SourceSplit {
    /** Rows that the numbers are dealt out to. */
    static final int ROWS = 4;
    /** Keys that they are counted under; a multiple of the rows, or a key would be in several. */
    static final int KEYS = 32;

    final int index;
    final long next;

    Row(int index, long next) {
        this.index = index;
        this.next = next;
    }

    /** The key under which a number is counted. */
    static Long key(Long number) {
        return number % KEYS;
    }

    /** The row after its next number was given out. */
    Row after() {
        return new Row(index, next + ROWS);
    }

    @Override
    public String splitId() {
        return Integer.toString(index);
    }

    /** Rows as a checkpoint keeps them. */
    static final class Format implements SimpleVersionedSerializer<Row> {
        static final int BYTES = Integer.BYTES + Long.BYTES;

        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(Row row) {
            return ByteBuffer.allocate(BYTES).putInt(row.index).putLong(row.next).array();
        }

        @Override
        public Row deserialize(int version, byte[] bytes) throws IOException {
            if (version != 1 || bytes.length != BYTES) {
                throw new IOException(
                        "No row of numbers: version " + version + ", " + bytes.length + " bytes");
            }
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return new Row(buffer.getInt(), buffer.getLong());
        }
    }
}
