#include "runs/heartbeat.h"

#include <boost/json.hpp>

#include "runs/rows.h"
#include "runs/sql.h"

namespace antiphon::runs {

void Heartbeat::ask(const store::Sql& question, std::function<void(std::int64_t)> heard) {
  questions_.push_back({std::string(question.text),
                        std::string(question.postgres.empty() ? question.text : question.postgres),
                        std::move(heard)});
}

std::string Heartbeat::statement(store::Dialect dialect) const {
  bool postgres = dialect == store::Dialect::postgres;
  std::string answers;
  for (const Question& q : questions_) {
    if (!answers.empty()) answers += ", ";
    const std::string& text = postgres ? q.postgres : q.text;
    answers += "(" + (text.empty() ? "SELECT 0" : text) + ")";
  }
  if (postgres)
    return std::string(sql::kRenewed) + " json_build_array(" + answers + ")::text AS answers";
  return "SELECT 1 AS registered, 0 AS session, 0 AS others, json_array(" + answers +
         ") AS answers WHERE $1 IS NOT NULL";
}

Task<Beat> Heartbeat::beat(store::Db& db, std::string node_id, std::chrono::milliseconds lease,
                           std::optional<std::int64_t> session) {
  if (statement_.empty()) statement_ = statement(db.dialect());
  store::Sql sql{"runs.beat", statement_};
  std::optional<BeatRow> row = db.dialect() == store::Dialect::postgres
                                   ? co_await db.first<BeatRow>(sql, node_id, lease.count(), session)
                                   : co_await db.first<BeatRow>(sql, node_id);
  const auto& answers = row.value().answers.as_array();
  for (std::size_t i = 0; i != questions_.size(); ++i)
    questions_[i].heard(answers.at(i).is_null() ? 0 : answers.at(i).to_number<std::int64_t>());
  co_return Beat{row->registered, row->session, row->others};
}

}  // namespace antiphon::runs
