#!/bin/sh
# Makes src/onnx/schema.generated.ts of onnx.proto. Needs npm, which fetches the two generators.
set -e
cd "$(dirname "$0")"
for type in TrainingInfoProto NodeDeviceConfigurationProto IntIntListEntryProto ShardingSpecProto ShardedDimProto \
  SimpleShardedDimProto DeviceConfigurationProto TensorAnnotation Version OperatorStatus TypeProto.Opaque TypeProto.Map \
  TypeProto.SparseTensor TypeProto.Sequence TypeProto.Optional SparseTensorProto TensorProto.Segment; do
  without="$without --exclude-type onnx.$type"
done
plugin='{"version":"v2","plugins":[{"local":"protoc-gen-es","out":"build","opt":["target=ts","import_extension=none","erasable_syntax=true"]}]}'
npm exec --yes --package=@bufbuild/buf@1 --package=@bufbuild/protoc-gen-es@2.17.0 -- \
  buf generate onnx.proto --template "$plugin" $without
mv build/onnx_pb.ts ../src/onnx/schema.generated.ts
rmdir build
node ../scripts/shorten-schema.ts
