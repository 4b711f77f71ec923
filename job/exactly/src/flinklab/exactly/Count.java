package flinklab.exactly;

import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Counts every number under its key and says so in the metric {@code exact}. The keyed state is
 * what is proven. A key's state can only be read when a number of it comes, so the count of all keys
 * together is kept in a state of its own: what came back is known before the first number is.
 */
final class Count extends KeyedProcessFunction<Long, Long, Void>
        implements CheckpointedFunction, CheckpointListener {
    private static final long serialVersionUID = 1;

    private transient ValueState<Tally> tally;
    private transient ListState<Long> counted;
    private transient Book book;

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        tally =
                context.getKeyedStateStore()
                        .getState(new ValueStateDescriptor<>("tally", Types.POJO(Tally.class)));
        counted =
                context.getOperatorStateStore()
                        .getListState(new ListStateDescriptor<>("counted", Types.LONG));
        long began = 0;
        for (Long part : counted.get()) {
            began += part;
        }
        book = new Book(context.getRestoredCheckpointId(), began);
    }

    @Override
    public void open(OpenContext context) {
        Gauge<String> exact = () -> book.said(System.currentTimeMillis());
        getRuntimeContext().getMetricGroup().gauge("exact", exact);
    }

    @Override
    public void processElement(Long number, Context context, Collector<Void> out)
            throws Exception {
        long key = context.getCurrentKey();
        Tally own = tally.value();
        if (own == null) {
            own = Tally.empty(key);
        }
        own.count(number);
        tally.update(own);
        book.counted(key, own);
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        counted.update(List.of(book.snapshot(context.getCheckpointId())));
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
        book.completed(checkpoint);
    }

    @Override
    public void notifyCheckpointAborted(long checkpoint) {
        book.aborted(checkpoint);
    }
}
