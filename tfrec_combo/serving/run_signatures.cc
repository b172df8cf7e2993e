// Asks a SavedModel in a process without Python, by the calls that TF Serving makes: LoadSavedModel, then Session::Run.
//
//   run_signatures MODEL CASES OUT [--lib=OP_LIBRARY]...
//
// CASES/<case>/signature holds a signature's name, CASES/<case>/in.<input> a serialized TensorProto of each input.
// Writes OUT/<case>.<output>, a serialized TensorProto of each output. Exits 1 with one line where anything fails.

#include <iostream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/public/session.h"

namespace {

using tensorflow::Env;
using tensorflow::Tensor;
using tensorflow::TensorProto;

absl::Status Answer(Env* env, const tensorflow::SavedModelBundle& model, const std::string& cases,
                    const std::string& name, const std::string& out) {
  const std::string folder = cases + "/" + name;
  std::string signature_name;
  TF_RETURN_IF_ERROR(tensorflow::ReadFileToString(env, folder + "/signature", &signature_name));
  const auto found = model.GetSignatures().find(signature_name);
  if (found == model.GetSignatures().end()) {
    return tensorflow::errors::NotFound("no signature ", signature_name);
  }
  std::vector<std::pair<std::string, Tensor>> feeds;
  for (const auto& [key, info] : found->second.inputs()) {
    TensorProto proto;
    TF_RETURN_IF_ERROR(tensorflow::ReadBinaryProto(env, folder + "/in." + key, &proto));
    Tensor value;
    if (!value.FromProto(proto)) return tensorflow::errors::InvalidArgument("no tensor: ", key);
    feeds.emplace_back(info.name(), value);
  }
  std::vector<std::string> keys, fetches;
  for (const auto& [key, info] : found->second.outputs()) {
    keys.push_back(key);
    fetches.push_back(info.name());
  }
  std::vector<Tensor> answers;
  TF_RETURN_IF_ERROR(model.GetSession()->Run(feeds, fetches, {}, &answers));
  for (size_t i = 0; i < keys.size(); ++i) {
    TensorProto proto;
    answers[i].AsProtoField(&proto);
    TF_RETURN_IF_ERROR(tensorflow::WriteBinaryProto(env, out + "/" + name + "." + keys[i], proto));
  }
  return absl::OkStatus();
}

absl::Status Run(const std::vector<std::string>& places, const std::vector<std::string>& libraries) {
  Env* env = Env::Default();
  for (const std::string& library : libraries) {
    void* handle = nullptr;
    TF_RETURN_IF_ERROR(env->LoadDynamicLibrary(library.c_str(), &handle));
  }
  tensorflow::SavedModelBundle model;
  TF_RETURN_IF_ERROR(tensorflow::LoadSavedModel({}, {}, places[0], {"serve"}, &model));
  std::vector<std::string> cases;
  TF_RETURN_IF_ERROR(env->GetChildren(places[1], &cases));
  for (const std::string& name : cases) {
    const absl::Status status = Answer(env, model, places[1], name, places[2]);
    if (!status.ok()) return absl::Status(status.code(), name + ": " + std::string(status.message()));
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> places, libraries;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("--lib=", 0) == 0) {
      libraries.push_back(argument.substr(6));
    } else {
      places.push_back(argument);
    }
  }
  if (places.size() != 3) {
    std::cerr << "run_signatures MODEL CASES OUT [--lib=OP_LIBRARY]..." << std::endl;
    return 2;
  }
  const absl::Status status = Run(places, libraries);
  if (!status.ok()) {
    std::string line(status.ToString());
    for (char& c : line) c = c == '\n' ? ' ' : c;
    std::cerr << line << std::endl;
    return 1;
  }
  return 0;
}
