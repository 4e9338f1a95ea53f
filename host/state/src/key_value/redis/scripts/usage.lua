-- Answers 'done', keys, bytes; or 'over', 'again'. What has expired does not count, and is removed on this occasion.
for _ = 1, PURGES do
  if purge() == 0 then return finish('done', used()) end
end
return finish('over', 'again')
